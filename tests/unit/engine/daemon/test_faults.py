"""What goes wrong around a daemon, and what must not come of it."""

from __future__ import annotations

import threading

import pytest

from service.engine.launch.launcher import Launch
from service.ledger.ledger import Needs
from service.ledger.store.store import Unreachable
from tests.unit.engine.daemon.conftest import Bench


def beat(bench: Bench, name: str) -> None:
    bench.store.beat(name, bench.of(name).attempt, "RUNNING", Needs(1, 8, {"CPU": 1.0, "GPU": 1.0}))


def test_what_went_by_unheard_while_the_store_was_away_is_no_silence(bench: Bench) -> None:
    """Neither is what a machine slept through, with all that runs on it."""
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.now += 3600
    bench.daemon.step(bench.now)
    assert bench.heads.stopped == []
    bench.heads.lives["sieve-a-1"] = None
    bench.now += 3600
    bench.daemon.step(bench.now)
    assert bench.of("a").attempt == 1


@pytest.mark.parametrize("ahead", [-900.0, 900.0], ids=["behind", "ahead"])
def test_silence_is_counted_by_the_clock_of_who_listens(bench: Bench, ahead: float) -> None:
    """The service that hears the heads may be on a machine with another time."""
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.now += ahead
    bench.restart()
    for _ in range(10):
        bench.step(1)
        beat(bench, "a")
    assert bench.heads.stopped == []
    bench.heads.lives["sieve-a-1"] = False
    bench.step(20)
    assert bench.of("a").attempt == 2


def test_a_sweep_that_cannot_start_keeps_nothing_from_the_others(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.daemon = bench.another(sweeps=2)
    bench.submit("b")
    bench.heads.broken = True
    bench.step(1)
    bench.heads.broken = False
    bench.submit("c")
    bench.step(1)
    assert bench.states() == {"a": "RUNNING", "b": "QUEUED", "c": "STARTING"}
    assert bench.of("b").waits.startswith("could not start: the dashboard is away; next try in")
    assert bench.of("a").slots == 4


def test_a_daemon_remembers_what_the_one_before_it_tried(bench: Bench) -> None:
    bench.heads.broken = True
    bench.submit("a")
    bench.step()
    bench.step(6)
    bench.restart()
    bench.step(1)
    assert bench.of("a").waits == "could not start: the dashboard is away; next try in 9 s"
    assert bench.of("a").attempt == 2
    bench.heads.broken = False
    bench.step(10)
    for attempt in (3, 4, 5):
        assert bench.of("a").attempt == attempt
        bench.heads.lives[f"sieve-a-{attempt}"] = False
        bench.restart()
        bench.step(20)
    assert bench.states() == {"a": "FAILED"}
    assert bench.of("a").why.startswith("3 heads in a row ended before any report")


def test_one_odd_sweep_keeps_no_other_from_its_turn(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.submit("odd")
    bench.step()
    bench.head("odd")

    def alive(id: str) -> bool:
        raise ValueError(f"{id} is nothing I know")

    monkeypatch.setattr(bench.heads, "alive", alive)
    bench.submit("b")
    bench.step(20)
    assert bench.states() == {"odd": "RUNNING", "b": "STARTING"}


def test_a_store_that_is_back_ails_no_longer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, answers = threading.Event(), iter([Unreachable("the ledger does not answer", ""), None])
    ailed: list[str | None] = []

    def lease(*_: object) -> bool:
        ailed.append(bench.daemon.ailing)
        if (error := next(answers, None)) is not None:
            raise error
        if len(ailed) > 2:
            stop.set()
        return True

    bench.daemon = bench.another(period=0.0)
    monkeypatch.setattr(bench.store, "lease", lease)
    bench.daemon.run(stop)
    assert ailed[:3] == [None, "the ledger does not answer", None]


def test_who_is_told_to_end_launches_no_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, start = threading.Event(), bench.heads.start

    def told(launch: Launch) -> str:
        stop.set()
        return start(launch)

    monkeypatch.setattr(bench.heads, "start", told)
    for name in ("a", "b"):
        bench.submit(name)
    bench.daemon.run(stop)
    assert bench.states() == {"a": "STARTING", "b": "QUEUED"}


def test_who_lost_the_lease_launches_no_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A launch may take longer than the lease: another daemon has shared the cluster out anew since."""
    slow, start = bench.another(lease=60.0), bench.heads.start

    def launch(launch: Launch) -> str:
        bench.store.lease("daemon", slow._holder, 0.0)  # it has run out
        assert bench.store.lease("daemon", "another", 60.0)
        return start(launch)

    monkeypatch.setattr(bench.heads, "start", launch)
    for name in ("a", "b"):
        bench.submit(name)
    assert bench.step(0, slow)
    assert bench.states() == {"a": "STARTING", "b": "QUEUED"}


def test_a_head_that_was_never_launched_is_cancelled_without_being_stopped(bench: Bench) -> None:
    bench.submit("a")
    bench.store.next("daemon of before")
    bench.store.wish("a", "cancel")
    bench.step()
    bench.step(31)
    assert (bench.states(), bench.heads.stopped) == ({"a": "CANCELLED"}, [])


def test_a_head_that_is_being_launched_is_not_taken_for_the_dead_one_before(bench: Bench) -> None:
    """The daemon died between the claim and the launch, which may yet have reached the cluster."""
    bench.submit("a")
    bench.step()
    bench.heads.lives["sieve-a-1"] = False
    bench.store.reclaim("a", 1, "daemon of before")
    bench.step(100)
    assert bench.of("a").attempt == 2
    bench.step(30)
    assert bench.of("a").attempt == 3


def test_launches_that_always_fail_are_tried_every_few_minutes_for_ever(bench: Bench) -> None:
    bench.submit("a")
    for attempt in range(1, 20):
        bench.store.next("daemon of before")
        bench.store.requeue("a", attempt, "could not start", due=bench.now)
    bench.heads.broken = True
    bench.step(1)
    due = bench.of("a").due
    assert due is not None
    assert due - bench.now == 64 * 5.0


def test_a_trial_of_several_processes_takes_a_part_of_its_gpus_for_each(bench: Bench) -> None:
    bench.gpus = [3.0, 3.0]
    bench.submit("a", resources={"cpu": 1, "gpu": 4})
    bench.step()
    assert (bench.of("a").slots, bench.of("a").state) == (1, "STARTING")


def test_a_sweep_that_runs_is_always_given_one_trial(bench: Bench) -> None:
    """Its head may not know yet that it will want one."""
    bench.submit("a")
    bench.step()
    bench.head("a", wanted=0)
    bench.step(1)
    assert bench.of("a").slots == 1
