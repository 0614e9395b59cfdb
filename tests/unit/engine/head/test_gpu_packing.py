"""What each trial gets of the GPUs, as it is decided, learned and read back."""

from __future__ import annotations

from typing import Any

import pytest

from service.engine.head.resources.gpu_packing import GpuPacking
from service.ledger.records import DecisionRecord, TrialRecord
from service.spec import Spec, load
from service.spec.errors import UserError
from service.spec.models import Resources

GIB = 2**30
CLUSTER = {"CPU": 16.0, "GPU": 2.0}


def spec(stages: int = 1, **resources: Any) -> Spec:
    return load(
        {
            "name": "toy",
            "task": "toy:hungry",
            "metric": {"name": "score", "goal": "maximize"},
            "parameters": {"x": {"uniform": [0, 1]}},
            "stages": [{"data": 1.0, "epochs": 1 + stage} for stage in range(stages)],
            "resources": resources,
        }
    )


def gpu_packing(
    resources: dict[str, Any],
    decisions: list[DecisionRecord] | None = None,
    measured: int | None = None,
    cluster: dict[str, float] | None = None,
) -> GpuPacking:
    return GpuPacking(spec(**resources), cluster or CLUSTER, decisions or [], lambda: measured, lambda: 16 * GIB)


def trial(number: int) -> TrialRecord:
    return TrialRecord(number, {"x": 0.5}, "RUNNING")


def gpu(shares: GpuPacking, number: int) -> float:
    return float(shares.request(number, 0).required_resources.get("GPU", 0.0))


def test_a_number_is_what_each_trial_gets() -> None:
    shares = gpu_packing({"gpu": 0.25})
    assert gpu(shares, 1) == 0.25
    assert shares.slots == 8
    assert shares.begun(trial(1), 0.0) == []


def test_auto_is_told_once_with_its_reason() -> None:
    shares = gpu_packing({"gpu": "auto"}, measured=3 * GIB)
    [told] = shares.begun(trial(1), 1.0)
    assert told.reason.startswith("begins with 1/3 of a GPU: a trial takes 3.00 GiB")
    assert shares.begun(trial(2), 2.0) == []
    assert (gpu(shares, 1), shares.slots) == (0.3333, 6)


def test_auto_without_a_gpu_trains_on_the_cpu_and_says_so() -> None:
    shares = gpu_packing({"gpu": "auto"}, measured=3 * GIB, cluster={"CPU": 4.0})
    [told] = shares.begun(trial(1), 1.0)
    assert "begins without a GPU: gpu is auto and the cluster has none" in told.reason
    assert (gpu(shares, 1), shares.slots) == (0.0, 4)


def test_out_of_memory_means_alone_from_then_on_and_more_for_those_after() -> None:
    shares = gpu_packing({"gpu": 0.25})
    gpu(shares, 1)
    decision = shares.exhausted(trial(1), 1.0)
    assert (decision.verdict, decision.numbers["gpu"]) == ("alone", 0.5)
    assert "and 2 trials share one after it" in decision.reason
    assert (gpu(shares, 1), gpu(shares, 2), shares.slots) == (1.0, 0.5, 4)


def test_who_was_alone_trains_on_the_cpu_where_no_gpu_is_left() -> None:
    old = gpu_packing({"gpu": "auto"}, measured=GIB)
    gpu(old, 1)
    new = gpu_packing({"gpu": "auto"}, [old.exhausted(trial(1), 1.0)], cluster={"CPU": 4.0})
    assert (gpu(new, 1), new.waits) == (0.0, False)


def test_others_of_the_old_share_teach_nothing_new() -> None:
    shares = gpu_packing({"gpu": 0.25})
    gpu(shares, 1), gpu(shares, 2)
    shares.exhausted(trial(1), 1.0)
    assert shares.exhausted(trial(2), 2.0).numbers["gpu"] == 0.5
    assert gpu(shares, 2) == 1.0


def test_nothing_begins_while_a_trial_waits_for_a_gpu_to_itself() -> None:
    shares = gpu_packing({"gpu": 0.25})
    gpu(shares, 1)
    shares.exhausted(trial(1), 1.0)
    gpu(shares, 1)
    assert shares.waits
    shares.started(1)
    assert not shares.waits


def test_what_a_trial_takes_alone_is_the_size_to_pack_by() -> None:
    shares = gpu_packing({"gpu": 0.25})
    gpu(shares, 1)
    shares.exhausted(trial(1), 1.0)
    memory = {"peak": 3 * GIB, "total": 16 * GIB}
    assert shares.seen(trial(2), 0, memory, 2.0) == []
    [learned] = shares.seen(trial(1), 0, memory, 2.0)
    assert (learned.verdict, learned.numbers["peak_bytes"]) == ("learn", 3 * GIB)
    assert "3 trials on a GPU of 16.00 GiB" in learned.reason
    assert gpu(shares, 3) == 0.3333


def test_a_new_head_knows_it_all() -> None:
    old = gpu_packing({"gpu": "auto"}, measured=GIB)
    gpu(old, 1)
    said = [*old.begun(trial(1), 0.0), old.exhausted(trial(1), 1.0)]
    new = gpu_packing({"gpu": "auto"}, said, measured=GIB)
    assert (gpu(new, 1), gpu(new, 2)) == (1.0, 0.25)
    assert new.begun(trial(3), 2.0) == []
    [learned] = new.seen(trial(1), 0, {"peak": 1, "total": 16 * GIB}, 2.0)
    assert learned.numbers["gpu"] == 0.1428  # 1/8 is known to be too little.


def test_a_new_head_knows_the_most_that_a_trial_took() -> None:
    old = gpu_packing({"gpu": 0.25})
    gpu(old, 1), gpu(old, 2)
    said = [old.exhausted(trial(1), 1.0), old.exhausted(trial(2), 1.0)]
    said += old.seen(trial(1), 0, {"peak": 7 * GIB, "total": 16 * GIB}, 2.0)
    new = gpu_packing({"gpu": 0.25}, said)
    for head in (old, new):
        assert head.seen(trial(2), 0, {"peak": 2 * GIB, "total": 16 * GIB}, 3.0) == []
        assert gpu(head, 3) == 1.0


def test_a_whole_gpu_each_is_said_in_words() -> None:
    shares = gpu_packing({"gpu": 0.5})
    gpu(shares, 1)
    assert "and each trial has one to itself after it" in shares.exhausted(trial(1), 1.0).reason


def test_each_stage_has_its_own_request_and_the_largest_counts_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def resources_at(self: Spec, stage: int) -> Resources:
        return Resources(cpu=1.0, gpu=0.25) if stage == 0 else Resources(cpu=2.0, gpu=2.0)

    monkeypatch.setattr(Spec, "resources_at", resources_at)
    shares = GpuPacking(spec(stages=2), {"CPU": 16.0, "GPU": 4.0}, [], lambda: None, lambda: None)
    assert shares.request(1, 0).bundles == [{"CPU": 1.0, "GPU": 0.25}]
    assert (shares.crew(0), shares.gpu(trial(1))) == (None, 0.25)
    assert shares.request(1, 1).required_resources == {"memory": 1.0}
    assert (shares.crew(1), shares.gpu(trial(1))) == ({"workers": 2, "cpu": 2.0, "gpu": 1.0, "memory": 0}, 2.0)
    assert (shares.slots, shares.asks) == (2, {"CPU": 4.0, "GPU": 2.0})
    with pytest.raises(UserError, match="a trial asks for 2 GPU, the cluster has 1"):
        shares.avoid([], {"CPU": 16.0, "GPU": 1.0})


@pytest.mark.parametrize(
    ("resources", "cluster"), [({"gpu": 0.5}, CLUSTER), ({"gpu": "auto"}, {"CPU": 4.0})], ids=["spec", "cluster"]
)
def test_what_was_learned_ends_with_another_spec_or_cluster(
    resources: dict[str, Any], cluster: dict[str, float]
) -> None:
    old = gpu_packing({"gpu": "auto"}, measured=GIB)
    said = old.begun(trial(1), 0.0)
    new = gpu_packing(resources, said, measured=GIB, cluster=cluster)
    assert gpu(new, 2) == (0.0 if "GPU" not in cluster else 0.5)


def test_several_processes_are_reserved_by_ray_train_and_counted_as_a_whole() -> None:
    shares = gpu_packing({"cpu": 3, "gpu": 2}, cluster={"CPU": 8.0, "GPU": 4.0})
    assert shares.request(1, 0).required_resources == {"memory": 1.0}
    assert (shares.gpu(trial(1)), shares.slots) == (2.0, 1)
    with pytest.raises(UserError, match="a trial asks for 12 CPU, the cluster has 8"):
        gpu_packing({"cpu": 3, "workers": 4}, cluster={"CPU": 8.0})
