"""The fair share: what it promises, on any cluster and any queue."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.policy.cluster_share.fair_share import UNBOUNDED, Capacity, Demand, Quota, share
from service.policy.cluster_share.placement import Places

GPU = {"CPU": 1.0, "GPU": 1.0}
EIGHT = Capacity([{"CPU": 32.0, "GPU": 4.0}, {"CPU": 32.0, "GPU": 4.0}])


def demand(name: str, wanted: int = 8, running: bool = True, **changes: object) -> Demand:
    return replace(Demand(name, "ada", running, wanted, GPU), **changes)  # type: ignore[arg-type]


def slots(sweeps: list[Demand], capacity: Capacity = EIGHT, **quotas: Quota) -> list[int]:
    given = share(sweeps, capacity, quotas)
    return [given[sweep.name].slots for sweep in sweeps]


def test_equal_sweeps_share_equally_and_what_one_leaves_goes_to_the_others() -> None:
    assert slots([demand("a"), demand("b")]) == [4, 4]
    assert slots([demand("a", wanted=1), demand("b")]) == [1, 7]
    assert slots([demand("a"), demand("b"), demand("c", wanted=2)]) == [3, 3, 2]


def test_weights_share_in_proportion_and_the_reason_has_the_numbers() -> None:
    sweeps = [demand("a", weight=3.0), demand("b")]
    given = share(sweeps, EIGHT, {})
    assert [given["a"].slots, given["b"].slots] == [6, 2]
    assert given["b"].reason == "waiting: 2 of 8 GPUs are yours at weight 1; 2 trials of 8 may run"
    given = share([replace(sweeps[0], wanted=UNBOUNDED)], EIGHT, {})
    assert given["a"].reason == "waiting: 8 of 8 GPUs are yours at weight 3; 8 trials may run"


def test_of_equals_the_heavier_has_what_is_left_and_all_processes_of_a_trial_count() -> None:
    four = Capacity([{"CPU": 8.0, "GPU": 4.0}])
    assert slots([demand("a"), demand("b", weight=2.0)], four) == [1, 3]
    assert slots([demand("pairs", processes=2), demand("single")]) == [2, 4]


def test_higher_priority_comes_first_but_every_running_sweep_keeps_one_trial() -> None:
    assert slots([demand("low"), demand("high", priority=5)]) == [1, 7]
    waiting = share([demand("low", running=False), demand("high", priority=5)], EIGHT, {})["low"]
    assert (waiting.runs, waiting.reason) == (False, "waits for room: the 1 sweep before it has it all")


def test_a_waiting_sweep_starts_with_its_fair_part() -> None:
    given = share([demand("a"), demand("new", running=False)], EIGHT, {})
    assert (given["a"].slots, given["new"].slots, given["new"].runs) == (4, 4, True)


def test_small_trials_of_one_sweep_and_large_ones_of_another_get_equal_dominant_shares() -> None:
    cpus = demand("cpus", wanted=64, asks={"CPU": 4.0})
    gpus = demand("gpus", wanted=64, asks={"CPU": 1.0, "GPU": 1.0})
    many, few = slots([cpus, gpus], Capacity([{"CPU": 64.0, "GPU": 16.0}]))
    assert few + 4 * many >= 61
    assert abs(many * 4 / 64 - few / 16) <= 4 / 64


def test_a_request_larger_than_any_node_is_refused_in_words() -> None:
    given = share([demand("a", running=False, asks={"CPU": 1.0, "GPU": 8.0})], EIGHT, {})["a"]
    assert (given.runs, given.reason) == (False, "asks 8 GPUs on one node; largest node has 4")
    split = Capacity([{"CPU": 64.0}, {"CPU": 2.0, "GPU": 4.0}])
    given = share([demand("a", running=False, asks={"CPU": 8.0, "GPU": 1.0})], split, {})["a"]
    assert given.reason == "asks 8 CPUs and 1 GPU on one node; no node has both"


def test_a_trial_of_several_processes_may_span_nodes() -> None:
    assert slots([demand("a", processes=8)]) == [1]
    given = share([demand("a", processes=9, running=False)], EIGHT, {})["a"]
    assert given.reason == "asks 1 CPU and 1 GPU for each of 9 processes; the cluster has room for 8"


def test_parts_of_a_gpu_and_of_a_node_are_not_added_up() -> None:
    assert slots([demand("a", wanted=9, asks={"GPU": 0.3})], Capacity([{"GPU": 1.0}, {"GPU": 1.0}])) == [6]
    assert slots([demand("a", asks={"GPU": 2.0})], Capacity([{"GPU": 3.0}, {"GPU": 3.0}])) == [2]


def test_places_are_limited_in_all_and_by_owner() -> None:
    full = Capacity(EIGHT.nodes, sweeps=2)
    given = share([demand("a"), demand("b"), demand("c", running=False)], full, {})["c"]
    assert (given.runs, given.reason) == (False, "waits for a free place: 2 sweeps run, at most 2")
    mine = [demand("a"), demand("b", running=False), demand("c", running=False, owner="bob")]
    given_all = share(mine, EIGHT, {"ada": Quota(running=1)})
    assert given_all["b"].reason == "ada has 1 sweep running, at most 1"
    assert given_all["c"].runs


def test_used_up_gpu_hours_leave_a_sweep_its_place_but_no_trials_on_gpus() -> None:
    used = {"ada": Quota(gpu_hours=10, used=12.5)}
    given = share([demand("a"), demand("b", running=False), demand("c", asks={"CPU": 1.0})], EIGHT, used)
    assert (given["a"].slots, given["a"].runs) == (0, True)
    assert given["a"].reason == given["b"].reason == "ada has used 12.5 of 10 GPU hours"
    assert not given["b"].runs
    assert given["c"].slots == 8
    assert slots([demand("a")], ada=Quota(gpu_hours=10, used=10.0)) == [0]
    assert slots([demand("a")], ada=Quota(gpu_hours=10, used=9.9)) == [8]


def test_a_cluster_without_nodes_starts_nothing() -> None:
    given = share([demand("a"), demand("b", running=False)], Capacity([]), {})
    assert (given["a"].slots, given["b"].runs) == (0, False)
    assert "largest node has 0" in given["b"].reason


ASKS = [{"CPU": 1.0}, {"CPU": 2.0, "GPU": 0.25}, {"CPU": 1.0, "GPU": 1.0}, {"CPU": 1.0, "GPU": 2.0}, {"GPU": 0.5}]
SWEEPS = st.lists(
    st.builds(
        Demand,
        name=st.just(""),
        owner=st.sampled_from(["ada", "bob"]),
        running=st.booleans(),
        wanted=st.integers(0, 12),
        asks=st.sampled_from(ASKS),
        priority=st.integers(0, 2),
        weight=st.sampled_from([0.5, 1.0, 3.0]),
        processes=st.integers(1, 2),
    ),
    max_size=8,
).map(lambda sweeps: [replace(sweep, name=str(place)) for place, sweep in enumerate(sweeps)])
NODES = st.lists(st.fixed_dictionaries({"CPU": st.integers(1, 12).map(float), "GPU": st.integers(0, 4).map(float)}))
LIMITS = st.one_of(st.none(), st.integers(1, 5))


def places(sweep: Demand, nodes: list[dict[str, float]], given: dict[str, int], all_sweeps: list[Demand]) -> bool:
    """Whether one more trial of ``sweep`` fits beside what is ``given``."""
    free = Places(nodes)
    order = sorted(all_sweeps, key=lambda other: -max(other.asks.values()))
    return all(free.take(o.asks, o.processes) for o in order for _ in range(given[o.name])) and free.take(
        sweep.asks, sweep.processes
    )


@settings(max_examples=150)
@given(SWEEPS, NODES, LIMITS, LIMITS)
def test_what_every_share_promises(
    sweeps: list[Demand], nodes: list[dict[str, float]], most: int | None, quota: int | None
) -> None:
    quotas = {"ada": Quota(running=quota)}
    result = share(sweeps, Capacity(nodes, most), quotas)
    assert result == share(sweeps, Capacity(nodes, most), quotas)  # deterministic
    assert list(result) == [sweep.name for sweep in sweeps]
    for name in ("CPU", "GPU"):  # never over capacity
        used = sum(result[s.name].slots * s.processes * s.asks.get(name, 0.0) for s in sweeps)
        assert used <= sum(node[name] for node in nodes) + 1e-9
    running = [sweep for sweep in sweeps if result[sweep.name].runs]
    assert {sweep.name for sweep in sweeps if sweep.running} <= {sweep.name for sweep in running}
    if most is not None:
        assert len(running) <= max(most, sum(sweep.running for sweep in sweeps))
    for sweep in sweeps:
        given = result[sweep.name]
        assert given.slots <= max(sweep.wanted, 0 if sweep.running else 1)
        assert given.runs or given.slots == 0
        assert bool(given.reason) or given.slots >= sweep.wanted  # whoever has less than he wants is told why


@settings(max_examples=100)
@given(SWEEPS, st.integers(1, 12))
def test_on_one_node_of_one_resource_it_is_work_conserving_and_free_of_envy(sweeps: list[Demand], gpus: int) -> None:
    alike = [replace(s, asks={"GPU": 1.0}, processes=1, wanted=max(1, s.wanted)) for s in sweeps]
    result = share(alike, Capacity([{"GPU": float(gpus)}]), {})
    given = {name: allotment.slots for name, allotment in result.items()}
    if any(given[s.name] < s.wanted for s in alike):
        assert sum(given.values()) == gpus
    for one in alike:
        if not result[one.name].runs or given[one.name] >= one.wanted:
            continue
        for other in alike:
            if other.priority < one.priority:  # only the one trial that a running sweep keeps
                assert given[other.name] <= int(other.running)
            elif other.priority == one.priority and given[other.name] > 1:
                assert (given[other.name] - 1) / other.weight <= given[one.name] / one.weight + 1e-9
    kept = sorted((s for s in alike if s.running), key=lambda s: -s.priority)[:gpus]
    assert all(given[s.name] >= 1 for s in kept)


@settings(max_examples=100)
@given(SWEEPS, NODES)
def test_nothing_is_left_that_a_running_sweep_could_use(sweeps: list[Demand], nodes: list[dict[str, float]]) -> None:
    """Of trials that differ, the largest placed first: what still finds room then, found it before."""
    alike = [replace(s, asks={"CPU": 1.0}, processes=1) for s in sweeps]
    result = share(alike, Capacity(nodes), {})
    given = {name: allotment.slots for name, allotment in result.items()}
    for sweep in alike:
        if sweep.running and given[sweep.name] < sweep.wanted:
            assert not places(sweep, nodes, given, alike)


@settings(max_examples=100)
@given(SWEEPS, st.integers(1, 16), st.integers(0, 7), st.sampled_from([1.5, 2.0, 10.0]))
def test_more_weight_never_gives_less(sweeps: list[Demand], gpus: int, which: int, factor: float) -> None:
    if not sweeps:
        return
    alike = [replace(s, asks={"GPU": 1.0}, processes=1) for s in sweeps]
    place, capacity = which % len(alike), Capacity([{"GPU": float(gpus)}])
    heavier = [replace(s, weight=s.weight * factor) if n == place else s for n, s in enumerate(alike)]
    name = alike[place].name
    assert share(heavier, capacity, {})[name].slots >= share(alike, capacity, {})[name].slots


@pytest.mark.timeout(20)
def test_a_thousand_gpus_are_shared_quickly() -> None:
    nodes = [{"CPU": 96.0, "GPU": 8.0}] * 125
    sweeps = [demand(str(n), wanted=400, asks={"CPU": 1.0, "GPU": 0.25}, owner=str(n % 7)) for n in range(40)]
    assert sum(slots(sweeps, Capacity(nodes))) == 4000
