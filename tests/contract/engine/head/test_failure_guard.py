"""What a head does about failures that are not the trials' own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cluster.inventory import Node
from service.engine.head.failures.failure_guard import FailureGuard
from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.ledger.records import TrialRecord
from service.ledger.store.store import Store
from service.spec import load
from service.spec.states import FAILURE_DECISIONS
from tests.ray.toys import toy

TWO = [Node(name * 56, f"node-{name}", {"CPU": 2.0}, True) for name in "ab"]
A, B = TWO[0].id, TWO[1].id
MESSAGE = "RuntimeError: no CUDA device 7"


class Head:
    """A head that has begun twenty trials, on the cluster of ``nodes``."""

    def __init__(self, folder: Path, nodes: list[Node], **changes: object) -> None:
        spec = load(toy(**{"resources": {}} | changes))
        self.store = Store(f"sqlite:///{folder}/sieve.db")
        if not self.store.sweeps():
            self.store.create("toy", spec.to_dict(), "/", "me", None)
        self.attempt = self.store.claim("toy", "head", lambda _: False).attempt
        self.trial_log = TrialLog(self.store, "toy", self.attempt)
        for number in range(1, 21):
            self.trial_log.record(TrialRecord(number, {"x": 0.5}, "RUNNING"))
        self.trial_log.flush()
        self.stopper = SweepStopper(spec, self.trial_log, 0.0)
        resources = {"CPU": sum(node.resources["CPU"] for node in nodes if node.alive)}
        self.gpu_packing = GpuPacking(spec, resources, [], lambda: None, lambda: None)
        known = [one for one in self.store.decisions("toy") if one.verdict in FAILURE_DECISIONS]
        self.guard = FailureGuard(spec, self.trial_log, self.stopper, self.gpu_packing, known, lambda: nodes)

    def fail(self, *numbers: int, on: str | None, kind: str = "error", message: str = MESSAGE) -> list[str | None]:
        return [self.guard.failed(self.trial_log.trials[number], kind, message, on) for number in numbers]

    @property
    def decided(self) -> list[str]:
        self.trial_log.flush()
        return [decision.verdict for decision in self.store.decisions("toy")]

    @property
    def shunned(self) -> str:
        return str(self.gpu_packing.request(1, 0)._bound.arguments.get("bundle_label_selector", ""))


def test_a_bad_node_is_avoided_and_its_later_failures_cost_nothing(tmp_path: Path) -> None:
    head = Head(tmp_path, TWO)
    assert (head.gpu_packing.slots, head.shunned) == (4, "")
    assert head.fail(1, 2, on=A) == [None, None]
    assert head.gpu_packing.probing, "new trials go first, to see whether it is the node"
    [why] = head.fail(3, on=A)
    assert why == f"broke on node node-a, which is avoided now: {MESSAGE}"
    assert (head.gpu_packing.slots, head.shunned) == (2, f"[{{'ray.io/node-id': '!in({A})'}}]")
    assert not head.gpu_packing.probing
    assert all(head.fail(4, 5, 6, 7, on=A)), "those that run there still"
    assert head.decided == ["avoid"]
    assert head.stopper.ending is None

    again = Head(tmp_path, TWO)
    assert (again.gpu_packing.slots, again.shunned) == (2, head.shunned), "the next head knows"


def test_a_node_is_trusted_again_when_another_has_its_error(tmp_path: Path) -> None:
    head = Head(tmp_path, TWO)
    head.fail(1, 2, 3, on=A)
    head.fail(4, on=B)
    assert head.decided == ["avoid", "trust"]
    assert (head.gpu_packing.slots, head.shunned) == (4, "")
    head.fail(5, on=B)
    assert head.decided == ["avoid", "trust", "halt"], "it is everyone's"
    assert head.stopper.ending is not None
    assert head.stopper.ending.state == "PAUSED"
    assert Head(tmp_path, TWO).gpu_packing.slots == 4


@pytest.mark.parametrize(
    ("nodes", "changes"),
    [
        (TWO[:1], {}),
        (TWO, {"failures": {"avoid_after": None}}),
        (TWO, {"resources": {"cpu": 1, "workers": 2}}),
    ],
    ids=["there is no other", "not wished", "processes of several nodes"],
)
def test_without_a_node_to_avoid_the_sweep_pauses(
    tmp_path: Path, nodes: list[Node], changes: dict[str, object]
) -> None:
    head = Head(tmp_path, nodes, **changes)
    assert head.fail(1, 2, 3, 4, on=A) == [None] * 4
    assert not head.gpu_packing.probing
    [why] = head.fail(5, on=A)
    assert why == f"5 trials broke by the same error and none got past it: {MESSAGE}"
    assert head.decided == ["halt"]


def test_what_configs_or_disks_do_is_not_counted(tmp_path: Path) -> None:
    head = Head(tmp_path, TWO)
    for kind in ("diverged", "disk", "metric"):
        assert head.fail(*range(1, 10), on=A, kind=kind) == [None] * 9
    head.fail(1, 2, 3, 4, on=None, kind="worker")
    head.guard.passed(B, (0, 1))
    head.fail(5, on=None, kind="worker")
    assert head.decided == []


def test_nodes_that_come_and_go_are_room_for_more_and_fewer_trials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.engine.head.failures.failure_guard.LOOK", 0.0)
    nodes = [TWO[0]]
    head = Head(tmp_path, nodes)
    for known, slots in ((TWO, 4), ([TWO[1]], 2), ([], 2)):
        nodes[:] = known
        head.guard.look()
        assert head.gpu_packing.slots == slots


def test_a_new_head_avoids_no_node_where_no_other_is_left(tmp_path: Path) -> None:
    """Those that the old one had to choose from are gone, or dead."""
    first = Head(tmp_path, TWO)
    first.fail(1, 2, 3, on=A)
    assert first.decided == ["avoid"]
    for left in (TWO[:1], [TWO[0], replace(TWO[1], alive=False)]):
        head = Head(tmp_path, left)
        assert (head.gpu_packing.slots, head.shunned) == (2, "")
        assert head.fail(4, on=A) == [None], "a failure costs an attempt where trials go"
        assert (head.gpu_packing.slots, head.shunned) == (2, "")
    assert Head(tmp_path, TWO).shunned, "the other is back"


def test_a_dead_node_is_none_to_go_to(tmp_path: Path) -> None:
    head = Head(tmp_path, [TWO[0], replace(TWO[1], alive=False)])
    head.fail(1, 2, 3, on=A)
    assert not head.gpu_packing.probing
    assert (head.decided, head.shunned) == ([], "")


def test_a_node_that_was_trusted_again_and_is_bad_after_all_is_avoided_by_the_next_head_too(tmp_path: Path) -> None:
    """By the same trials as before: the decision on record makes way for the new one."""
    head = Head(tmp_path, TWO)
    head.fail(1, 2, 3, on=A)
    head.fail(4, on=B)
    assert head.decided == ["avoid", "trust"]
    for node in (A, B):
        head.guard.passed(node, (0, 1))
    head.fail(1, 2, 3, on=A, message="OSError: another")
    assert head.decided == ["trust", "avoid"]
    assert Head(tmp_path, TWO).shunned == head.shunned != ""
