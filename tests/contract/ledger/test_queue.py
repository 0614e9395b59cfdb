"""What every store promises of its queue, whoever asks at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import TypeVar

import pytest

from service.ledger.ledger import Needs
from service.ledger.records import Batch, SweepRecord, TrialRecord
from service.ledger.states import IllegalTransition
from service.ledger.store.access import find
from service.ledger.store.store import LostClaim, Store, UnknownSweep
from service.spec.errors import UserError
from service.spec.states import SWEEP_NEXT
from tests.contract.ledger.conftest import SPEC
from tests.contract.ledger.test_ledger import report

Answer = TypeVar("Answer")


def queued(store: Store, name: str, priority: int = 0) -> None:
    store.add(SweepRecord(name, SPEC, "/project", "ada", "QUEUED", 1.0, priority=priority))


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """The answers of calls that begin together, each in its own thread."""
    barrier = Barrier(len(calls))

    def wait(call: Callable[[], Answer]) -> Answer:
        barrier.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(wait, calls))


def test_the_first_of_the_highest_priority_comes_next(store: Store) -> None:
    for name, priority in {"a": 0, "b": 5, "c": 5, "d": -1}.items():
        queued(store, name, priority)
    store.wish("c", "pause")
    taken = [store.next("daemon") for _ in range(4)]
    assert [sweep and sweep.name for sweep in taken] == ["b", "a", "d", None]
    assert taken[0] == store.sweep("b")
    assert (taken[0].state, taken[0].attempt, taken[0].head) == ("STARTING", 1, "daemon")
    assert taken[0].heartbeat == taken[0].claimed == taken[0].started


def test_only_the_named_are_taken(store: Store) -> None:
    for name in "abc":
        queued(store, name)
    assert store.next("daemon", []) is None
    taken = store.next("daemon", ["c", "gone"])
    assert taken is not None
    assert taken.name == "c"
    assert [sweep.name for sweep in store.sweeps(["QUEUED"])] == ["a", "b"]


def test_of_many_at_once_each_gets_another_sweep(store: Store, url: str) -> None:
    for i in range(24):
        queued(store, f"s{i}")
    stores = [store, Store(url)]

    def drain(i: int) -> list[str]:
        taken = []
        while (sweep := stores[i % 2].next(f"daemon-{i}")) is not None:
            taken.append(sweep.name)
        return taken

    answers = at_once([lambda i=i: drain(i) for i in range(8)])
    assert sorted(name for names in answers for name in names) == sorted(f"s{i}" for i in range(24))
    assert {sweep.attempt for sweep in store.sweeps()} == {1}
    holders = {name: f"daemon-{i}" for i, names in enumerate(answers) for name in names}
    assert {sweep.name: sweep.head for sweep in store.sweeps()} == holders


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_sweep_that_another_has_in_hand_keeps_nobody_waiting(store: Store, url: str) -> None:
    for name in "ab":
        queued(store, name)
    with store.database.write() as connection:
        find(connection, "a", lock=True)
        taken = Store(url).next("daemon")
    assert taken is not None
    assert taken.name == "b"


def test_a_silent_head_is_taken_over_by_one_alone(claimed: Store, url: str) -> None:
    claimed.append("a", 1, Batch([TrialRecord(1, {}, "RUNNING"), TrialRecord(2, {}, "FINISHED")]))
    stores = [claimed, Store(url)]
    calls = [lambda i=i: stores[i % 2].reclaim("a", 1, f"daemon-{i}") for i in range(6)]
    won = [sweep for sweep in at_once(calls) if sweep is not None]
    assert won == [claimed.sweep("a")]
    assert (won[0].state, won[0].attempt) == ("STARTING", 2)
    assert [trial.state for trial in claimed.trials("a")] == ["PENDING", "FINISHED"]
    with pytest.raises(LostClaim):
        claimed.beat("a", 1)
    with pytest.raises(UnknownSweep):
        claimed.reclaim("b", 1, "daemon")


def test_what_ran_before_a_takeover_is_counted(claimed: Store) -> None:
    claimed.beat("a", 1, "RUNNING")
    before = claimed.sweep("a")
    assert before.heartbeat is not None
    assert before.claimed is not None
    taken = claimed.reclaim("a", 1, "daemon")
    assert taken is not None
    assert taken.seconds == pytest.approx(before.heartbeat - before.claimed, abs=1e-6)
    assert taken.seconds > 0
    assert taken.started == before.started


def test_a_head_that_did_not_come_leaves_its_sweep_in_the_queue(claimed: Store) -> None:
    claimed.beat("a", 1, "RUNNING", Needs(1, 2, {"CPU": 1.0}))
    claimed.append("a", 1, Batch([TrialRecord(1, {}, "RUNNING")]))
    claimed.requeue("a", 1, "the job could not be started")
    sweep = claimed.sweep("a")
    assert (sweep.state, sweep.why, sweep.attempt) == ("QUEUED", "the job could not be started", 1)
    assert (sweep.head, sweep.heartbeat, sweep.running, sweep.wanted, sweep.asks) == (None,) * 5
    assert claimed.trials("a")[0].state == "PENDING"
    with pytest.raises(LostClaim, match="QUEUED in attempt 1"):
        claimed.requeue("a", 1, "again")
    again = claimed.next("daemon")
    assert again is not None
    assert (again.attempt, again.why) == (2, "")


def test_a_takeover_and_a_requeue_at_once_do_not_both_happen(store: Store, url: str) -> None:
    other = Store(url)
    for i in range(8):
        name = f"s{i}"
        queued(store, name)
        store.next("daemon", [name])

        def requeue(name: str = name) -> object:
            try:
                return store.requeue(name, 1, "lost")
            except LostClaim as error:
                return error

        taken, refusal = at_once([lambda name=name: other.reclaim(name, 1, "other"), requeue])
        sweep = store.sweep(name)
        if taken is None:
            assert refusal is None
            assert (sweep.state, sweep.attempt) == ("QUEUED", 1)
        else:
            assert isinstance(refusal, LostClaim)
            assert (sweep.state, sweep.attempt, sweep.head) == ("STARTING", 2, "other")


def test_shares_are_written_where_they_change(claimed: Store) -> None:
    queued(claimed, "b")
    claimed.share({"a": (4, ""), "b": (0, "the cluster is full"), "gone": (1, "")})
    assert [(s.slots, s.waits) for s in claimed.sweeps()] == [(4, ""), (0, "the cluster is full")]
    assert claimed.beat("a", 1).slots == 4
    claimed.share({"a": (None, "")})
    assert claimed.beat("a", 1).slots is None
    claimed.end("a", 1, "SUCCEEDED", "")
    claimed.share({"a": (2, "late")})
    assert (claimed.sweep("a").slots, claimed.sweep("a").waits) == (None, "")


def test_priority_and_weight_change_within_bounds(store: Store) -> None:
    queued(store, "a")
    assert store.update("a", priority=7) == store.sweep("a")
    assert store.update("a", weight=2.5) == replace(store.sweep("a"), priority=7, weight=2.5)
    for wrong in ({"priority": 2**40}, {"weight": 0.0}, {"weight": float("nan")}):
        with pytest.raises(UserError, match="out of bounds"):
            store.update("a", **wrong)
    with pytest.raises(UnknownSweep):
        store.update("b", priority=1)


def test_a_wish_is_taken_back(claimed: Store) -> None:
    claimed.wish("a", "pause")
    claimed.withdraw("a")
    assert claimed.beat("a", 1).wish is None
    for verb in (lambda: claimed.wish("b", "stop"), lambda: claimed.withdraw("b")):
        with pytest.raises(UnknownSweep, match="'b'"):
            verb()


@pytest.mark.parametrize("old", ["QUEUED", "PAUSED"])
@pytest.mark.parametrize("new", ["QUEUED", "PAUSED", "STOPPED", "CANCELLED"])
def test_without_a_head_a_sweep_is_settled(claimed: Store, old: str, new: str) -> None:
    claimed.append("a", 1, Batch([TrialRecord(1, {}, "PENDING"), TrialRecord(2, {}, "STOPPED", why="bad")]))
    claimed.end("a", 1, "PAUSED", "")
    claimed.settle("a", old, "")
    claimed.wish("a", "cancel")
    sweep = claimed.settle("a", new, "as wished")
    assert sweep == claimed.sweep("a")
    assert (sweep.state, sweep.why, sweep.wish) == (new, "as wished", None)
    over = new in ("STOPPED", "CANCELLED")
    assert (sweep.finished is not None) == over
    assert [trial.state for trial in claimed.trials("a")] == [new if over else "PENDING", "STOPPED"]
    assert claimed.trials("a")[1].why == "bad"


def test_what_has_a_head_or_has_ended_is_not_settled(claimed: Store) -> None:
    with pytest.raises(IllegalTransition, match="STARTING and cannot be made CANCELLED"):
        claimed.settle("a", "CANCELLED", "")
    claimed.end("a", 1, "SUCCEEDED", "")
    with pytest.raises(IllegalTransition):
        claimed.settle("a", "QUEUED", "")
    queued(claimed, "b")
    for state in ("STARTING", "RUNNING", "SUCCEEDED", "FAILED", "QUEUE"):
        with pytest.raises(IllegalTransition):
            claimed.settle("b", state, "")


@pytest.mark.parametrize("state", [*SWEEP_NEXT])
def test_a_head_leaves_its_sweep_where_heads_may(claimed: Store, state: str) -> None:
    if state in ("STARTING", "RUNNING"):
        claimed.beat("a", 1, state)
    else:
        with pytest.raises(IllegalTransition):
            claimed.beat("a", 1, state)
    if state in ("PAUSED", "QUEUED", "SUCCEEDED", "STOPPED", "FAILED", "CANCELLED"):
        claimed.end("a", 1, state, "why")
        ended = claimed.sweep("a")
        claimed.end("a", 1, state, "said twice")
        assert claimed.sweep("a") == ended
    else:
        with pytest.raises(IllegalTransition):
            claimed.end("a", 1, state, "")


@pytest.mark.parametrize(
    ("left", "wish", "becomes"),
    [
        ("PAUSED", "cancel", "CANCELLED"),
        ("PAUSED", "stop", "STOPPED"),
        ("PAUSED", "resume", "QUEUED"),
        ("PAUSED", "pause", "PAUSED"),
        ("QUEUED", "pause", "PAUSED"),
        ("QUEUED", "cancel", "CANCELLED"),
        ("FAILED", "cancel", "FAILED"),
        ("SUCCEEDED", "pause", "SUCCEEDED"),
    ],
)
def test_a_wish_that_comes_while_a_head_leaves_is_done(claimed: Store, left: str, wish: str, becomes: str) -> None:
    """It has heard of another one, or of none, and will hear of nothing any more."""
    claimed.append("a", 1, Batch([TrialRecord(1, {}, "RUNNING"), TrialRecord(2, {}, "PAUSED")]))
    claimed.wish("a", wish)
    claimed.end("a", 1, left, "as it was told before")
    sweep = claimed.sweep("a")
    assert (sweep.state, sweep.wish) == (becomes, None)
    assert sweep.why == ("as it was told before" if becomes == left else f"{wish} as wished")
    over = becomes in ("CANCELLED", "STOPPED")
    assert [trial.state for trial in claimed.trials("a")] == ([becomes] * 2 if over else ["PENDING", "PAUSED"])
    claimed.end("a", 1, left, "said twice")
    assert claimed.sweep("a") == sweep


def test_a_wish_to_resume_is_forgotten_once_the_head_says_that_it_goes_on(claimed: Store) -> None:
    claimed.beat("a", 1, "RUNNING")
    claimed.wish("a", "resume")
    assert claimed.beat("a", 1).wish == "resume"
    assert claimed.sweep("a").wish == "resume", "it may be about to pause"
    claimed.beat("a", 1, "RUNNING")
    assert claimed.sweep("a").wish is None
    claimed.wish("a", "stop")
    claimed.beat("a", 1, "RUNNING")
    assert claimed.sweep("a").wish == "stop", "this one is still to be done"


def test_what_has_ended_hears_no_wish(claimed: Store) -> None:
    """It would act on it when it is extended, long after."""
    claimed.end("a", 1, "SUCCEEDED", "")
    with pytest.raises(IllegalTransition, match="nothing to pause"):
        claimed.wish("a", "pause")
    assert claimed.sweep("a").wish is None


def test_heads_that_come_to_nothing_are_counted_until_one_reports_or_ends(claimed: Store) -> None:
    def barren() -> int:
        return claimed.sweep("a").barren

    assert barren() == 1
    claimed.reclaim("a", 1, "daemon")
    claimed.append("a", 2, Batch([TrialRecord(1, {}, "RUNNING")]))
    assert barren() == 2
    claimed.append("a", 2, Batch(reports=[report(1, 0.5)]))
    assert barren() == 0
    claimed.reclaim("a", 2, "daemon")
    assert barren() == 1
    claimed.requeue("a", 3, "could not start", due=9.0)
    sweep = claimed.sweep("a")
    assert (sweep.barren, sweep.delays, sweep.due) == (0, 1, 9.0)
    claimed.next("daemon")
    claimed.requeue("a", 4, "could not start", due=10.0)
    assert (claimed.sweep("a").delays, claimed.sweep("a").due) == (2, 10.0)
    claimed.next("daemon")
    claimed.heads.launched("a", 5, None, "hash")
    assert claimed.sweep("a").delays == 2, "it is not launched yet"
    claimed.heads.launched("a", 5, "job", "hash")
    assert (claimed.sweep("a").delays, claimed.sweep("a").due) == (0, None)
    claimed.end("a", 5, "FAILED", "again and again")
    assert barren() == 0


def test_a_head_is_asked_for_room_once_and_only_where_nobody_wishes_anything(claimed: Store) -> None:
    assert not claimed.displace("a", 2, "b", "for b", {})
    assert claimed.displace("a", 1, "b", "for b", {"to": "b"})
    assert not claimed.displace("a", 1, "c", "for c", {"to": "c"})
    assert claimed.beat("a", 1, "RUNNING").wish == "yield"
    [decision] = claimed.decisions("a")
    assert (decision.trial, decision.verdict, decision.reason, decision.numbers) == (0, "yield", "for b", {"to": "b"})
    claimed.end("a", 1, "QUEUED", "")
    assert (claimed.sweep("a").state, claimed.sweep("a").why) == ("QUEUED", "for b")
    assert not claimed.displace("a", 1, "c", "for c", {})
    claimed.next("daemon")
    assert claimed.displace("a", 2, "d", "for d", {"to": "d"})
    assert [known.reason for known in claimed.decisions("a")] == ["for d"], "of those at one point, the newest"
    claimed.wish("a", "stop")
    assert claimed.beat("a", 2).wish == "stop"


def test_a_lease_has_one_holder_until_it_runs_out(store: Store, url: str) -> None:
    assert store.lease("share", "one", 60)
    assert store.lease("share", "one", 60)
    assert not Store(url).lease("share", "two", 60)
    assert store.lease("other", "two", 60)
    assert store.lease("share", "one", 0)
    assert store.lease("share", "two", 60)
    assert not store.lease("share", "one", 60)
    stores = [store, Store(url)]
    assert sum(at_once([lambda i=i: stores[i % 2].lease("new", f"daemon-{i}", 60) for i in range(6)])) == 1


def test_who_started_a_head_is_known_while_it_is_there(store: Store) -> None:
    store.create("a", SPEC, "/project", "ada", None)
    assert store.sweep("a").holder is None
    assert store.claim("a", "daemon or not", lambda _: True).holder == "person"
    store.end("a", 1, "QUEUED", "")
    assert store.sweep("a").holder is None
    taken = store.next("host:1:0")
    assert taken is not None
    assert taken.holder == "daemon"
    again = store.reclaim("a", 2, "host:2:0")
    assert again is not None
    assert again.holder == "daemon"


def test_for_whom_it_made_room_is_known_until_it_has_a_head_again(claimed: Store) -> None:
    claimed.displace("a", 1, "urgent", "left for urgent", {})
    claimed.end("a", 1, "QUEUED", "")
    assert claimed.sweep("a").made_room_for == "urgent"
    claimed.next("daemon")
    assert claimed.sweep("a").made_room_for is None


def test_for_whom_it_made_room_goes_with_the_reason(claimed: Store) -> None:
    claimed.displace("a", 1, "urgent", "left for urgent", {})
    claimed.requeue("a", 1, "left for urgent")
    assert claimed.sweep("a").made_room_for == "urgent"
    claimed.settle("a", "PAUSED", "ada said so: pause")
    assert claimed.sweep("a").made_room_for is None


def test_what_made_room_and_could_not_start_waits_for_another_reason(claimed: Store) -> None:
    claimed.displace("a", 1, "urgent", "left for urgent", {})
    claimed.requeue("a", 1, "could not start: no room", due=1.0)
    assert (claimed.sweep("a").why, claimed.sweep("a").made_room_for) == ("could not start: no room", None)
