"""What goes wrong around a daemon, and what must not come of it."""

from __future__ import annotations

import threading

import pytest

from service.engine.launch.launcher import Launch
from service.ledger.ledger import Needs
from service.ledger.store import Unreachable
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
