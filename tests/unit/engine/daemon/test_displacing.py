"""A sweep of higher priority does not wait for lower ones to end: one of them makes room, and goes on later."""

from __future__ import annotations

from service.ledger.records import Batch, TrialRecord
from tests.unit.engine.daemon.conftest import Bench

SMALL = {"cpu": 1, "gpu": 1, "max_concurrent": 1}


def busy(bench: Bench, **priorities: int) -> None:
    """Sweeps that run, begun in this order, on as many places."""
    bench.daemon = bench.another(sweeps=len(priorities))
    for name, priority in priorities.items():
        bench.submit(name, priority=priority, resources=SMALL)
        bench.step(1)
        bench.head(name, wanted=1)


def hears(bench: Bench, name: str) -> None:
    """The head of a sweep hears its wish and does it."""
    record = bench.of(name)
    wish = bench.store.beat(name, record.attempt, "RUNNING").wish
    assert wish == "yield"
    bench.store.end(name, record.attempt, "QUEUED", "made room")


def test_the_youngest_of_the_lowest_priority_makes_room_and_goes_on_by_itself(bench: Bench) -> None:
    busy(bench, low=-1, lower=-2, lowest=-2, high=5)
    bench.store.append("lowest", 1, Batch([TrialRecord(1, {}, "RUNNING", 1)]))
    bench.submit("urgent", priority=1)
    bench.step(1)
    assert bench.of("urgent").waits == "waits for a free place: 4 sweeps run, at most 4"
    bench.step(1)
    assert [bench.of(name).wish for name in ("low", "lower", "lowest", "high")] == [None, None, "yield", None]
    why = "made room for urgent: that has priority 1, and this one -2; goes on when there is room"
    [decision] = bench.store.decisions("lowest")
    assert (decision.trial, decision.stage, decision.verdict, decision.reason) == (1, 1, "yield", why)
    assert decision.numbers == {"to": "urgent", "priority": -2, "higher": 1}

    hears(bench, "lowest")
    bench.step(1)
    assert (bench.of("urgent").state, bench.of("lowest").state) == ("STARTING", "QUEUED")
    assert bench.of("lowest").waits == f"{why}; waits for a free place: 4 sweeps run, at most 4"
    assert bench.store.trials("lowest")[0].state == "PENDING"
    bench.step(1)
    assert [record.wish for record in bench.store.sweeps()] == [None] * 5

    bench.head("urgent")
    bench.store.end("urgent", 1, "SUCCEEDED", "done")
    bench.step(1)
    lowest = bench.of("lowest")
    assert (lowest.state, lowest.attempt, lowest.waits, lowest.why) == ("STARTING", 2, "", "")


def test_equals_and_those_whose_own_limits_hold_them_back_displace_nobody(bench: Bench) -> None:
    busy(bench, one=0, two=0)
    bench.store.quotas.set("bob", running=0)
    bench.submit("equal")
    bench.submit("limited", owner="bob", priority=9)
    bench.submit("huge", priority=9, resources=SMALL | {"cpu": 99})
    bench.step(1)
    assert [record.why for record in bench.store.sweeps() if record.wish] == []


def test_a_head_that_makes_no_room_is_stopped_and_one_that_died_is_not_replaced(bench: Bench) -> None:
    busy(bench, one=0, two=0)
    bench.submit("urgent", priority=1)
    bench.step(1)
    assert bench.of("two").wish == "yield"
    for _ in range(62):
        bench.step(10)
        for name in ("one", "two"):
            if bench.of(name).state == "RUNNING":
                bench.store.beat(name, 1, "RUNNING")
    assert bench.heads.stopped == ["sieve-two-1"]
    bench.step(1)
    assert bench.states() == {"one": "RUNNING", "two": "QUEUED", "urgent": "STARTING"}
    assert bench.of("two").waits.startswith("made room for urgent")

    bench.head("urgent")
    bench.submit("most", priority=2)
    bench.step(1)
    assert bench.of("one").wish == "yield"
    bench.heads.lives["sieve-one-1"] = False
    bench.step(10)
    bench.step(1)
    assert (bench.of("one").state, bench.of("one").attempt, bench.of("most").state) == ("QUEUED", 1, "STARTING")


def test_what_a_person_wishes_goes_before(bench: Bench) -> None:
    busy(bench, one=0)
    bench.submit("urgent", priority=1)
    bench.step(1)
    bench.store.wish("one", "pause")
    bench.store.end("one", 1, "QUEUED", "made room")
    assert (bench.of("one").state, bench.of("one").wish) == ("PAUSED", None)
    bench.step(1)
    assert bench.of("urgent").state == "STARTING"
    bench.submit("another", priority=2)
    bench.store.wish("urgent", "pause")
    bench.step(1)
    assert bench.of("urgent").wish == "pause"


def test_where_one_leaves_anyway_no_other_makes_room(bench: Bench) -> None:
    busy(bench, one=0, two=0)
    bench.store.wish("one", "stop")
    bench.submit("urgent", priority=1)
    bench.step(1)
    assert bench.of("two").wish is None
    bench.store.end("one", 1, "STOPPED", "as wished")
    bench.step(1)
    assert bench.states() == {"one": "STOPPED", "two": "RUNNING", "urgent": "STARTING"}


def test_a_head_that_a_person_runs_is_not_displaced(bench: Bench) -> None:
    bench.daemon = bench.another(sweeps=1)
    bench.submit("mine")
    bench.store.claim("mine", "host:1:0", lambda _: False)
    bench.submit("urgent", priority=1)
    bench.step(1)
    assert bench.of("mine").wish is None


def test_who_has_no_gpu_hours_left_keeps_no_place_from_who_has(bench: Bench) -> None:
    busy(bench, other=4, spent=3)
    bench.store.append("spent", 1, Batch([TrialRecord(1, {}, "RUNNING", gpu_seconds=7200.0)]))
    bench.store.quotas.set("ada", gpu_hours=1.0)
    bench.submit("next", owner="bob")
    bench.step(1)
    why = "made room for next: ada has used 2 of 1 GPU hours; goes on when there is room"
    assert (bench.of("spent").wish, bench.of("spent").why) == ("yield", why)
    hears(bench, "spent")
    bench.step(1)
    assert bench.of("next").state == "STARTING"
    assert bench.of("spent").waits == f"{why}; ada has used 2 of 1 GPU hours"
