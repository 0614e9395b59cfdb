"""Who makes room for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.policy.cluster_share.fair_share import Capacity, Demand, Quota, share
from service.policy.cluster_share.preemption import displaced
from tests.unit.policy.cluster_share.test_fair_share import EIGHT, GPU, SWEEPS, demand

FULL = Capacity(EIGHT.nodes, sweeps=2)


def made(sweeps: list[Demand], capacity: Capacity = FULL, *, leaving: str = "", **quotas: Quota) -> str:
    """``victim>urgent``, the heads begun in the order of the sweeps; empty if nobody makes room."""
    heads = {sweep.name: float(age) for age, sweep in enumerate(sweeps) if sweep.running}
    found = displaced(sweeps, capacity, quotas, heads, leaving)
    return "" if found is None else f"{found.name}>{found.urgent}"


def waits(name: str, priority: int = 5, **changes: object) -> Demand:
    return demand(name, running=False, priority=priority, **changes)


def test_the_lowest_priority_then_the_youngest_makes_room() -> None:
    assert made([demand("a"), demand("b"), waits("u")]) == "b>u"
    assert made([demand("a", priority=-1), demand("b"), waits("u")]) == "a>u"
    assert made([demand("a", priority=5), demand("b", priority=6), waits("u")]) == ""
    assert made([demand("a"), demand("b"), waits("u"), waits("v", 9)]) == "b>v"


def test_nobody_makes_room_in_vain() -> None:
    assert made([demand("a"), waits("u")]) == "", "there is a place"
    assert made([demand("a"), demand("b"), waits("u", asks={"GPU": 9.0})]) == "", "it would not fit"
    assert made([demand("a"), demand("b"), waits("u", owner="bob")], bob=Quota(0)) == "", "it may not run"
    assert made([demand("a"), demand("b"), waits("u")], leaving="b") == "", "one leaves already"
    assert made([demand("a"), demand("b"), waits("u"), waits("v")], leaving="b") == "a>v", "for one of two"
    assert made([demand("a"), demand("b"), demand("c"), waits("u")]) == "", "one place is not enough"


def test_room_for_the_first_trial_and_an_owners_own_limit_count_as_well() -> None:
    packed = Capacity([GPU, GPU])
    assert made([demand("a"), demand("b"), waits("u")], packed) == "b>u"
    mine = [demand("a"), demand("b", owner="bob"), waits("u")]
    assert made(mine, EIGHT, ada=Quota(1)) == "a>u", "only a's end lets ada run another"


def test_who_may_train_nothing_goes_first_whatever_its_priority() -> None:
    used = Quota(gpu_hours=1.0, used=2.0)
    sweeps = [demand("idle", priority=9, owner="bob"), demand("low", priority=-1), waits("u", 0)]
    assert made(sweeps, bob=used) == "idle>u"
    assert made([*sweeps[:2], waits("u", 0, owner="bob")], bob=used) == "", "nor may it"
    assert made([*sweeps[:2], waits("u", 9, owner="bob", asks={"CPU": 1.0})], bob=used) == "idle>u"


def test_a_head_that_nobody_launched_is_left_alone() -> None:
    sweeps = [demand("a"), demand("b"), waits("u")]
    assert displaced(sweeps, FULL, {}, {}, ()) is None


@settings(max_examples=100)
@given(SWEEPS, st.integers(1, 4))
def test_whoever_makes_room_lets_one_start_that_could_not(sweeps: list[Demand], most: int) -> None:
    capacity, heads = Capacity([{"CPU": 4.0, "GPU": 4.0}], most), {sweep.name: 0.0 for sweep in sweeps}
    found = displaced(sweeps, capacity, {}, heads, ())
    if found is None:
        return
    [victim], [urgent] = ([sweep for sweep in sweeps if sweep.name == name] for name in (found.name, found.urgent))
    assert victim.running
    assert not urgent.running
    assert victim.priority < urgent.priority
    assert not share(sweeps, capacity, {})[urgent.name].runs
    after = [replace(sweep, running=sweep.running and sweep is not victim) for sweep in sweeps]
    given_after = share(after, capacity, {})
    assert given_after[urgent.name].runs
    assert not given_after[victim.name].runs or most > sum(sweep.running for sweep in sweeps)


@pytest.mark.timeout(20)
def test_a_long_queue_is_looked_through_quickly() -> None:
    running = [demand(f"r{n}") for n in range(16)]
    queue = [waits(f"w{n}", n % 7, asks={"GPU": 9.0}) for n in range(500)]
    assert made([*running, *queue], Capacity(EIGHT.nodes * 4, 16)) == ""
