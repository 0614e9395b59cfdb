"""A daemon that is killed after any one of the things it does, and the next one that goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service.engine.daemon import Daemon
from service.ledger.store.store import Store
from tests.unit.engine.daemon.conftest import Bench, Heads

ACTS = frozenset(
    {
        *("lease", "sweeps", "share", "next", "reclaim", "requeue", "settle", "end", "displace", "withdraw"),
        *("launched", "start", "stop", "alive"),
    }
)
"""What a daemon asks of its store and its launcher."""


class Killed(BaseException):
    """The daemon's process is gone."""


class Fate:
    """Kills whoever acts for the ``at``-th time, after the act; once."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.acts = 0

    def meets(self, thing: Any) -> Any:
        return _Mortal(thing, self)

    def strike(self) -> bool:
        self.acts += 1
        return self.acts == self.at


def fates(most: int) -> Iterator[Fate]:
    """One that kills after the first act, one after the second, and so on to the last act, or the one of number
    ``most``. These are more than twenty.
    """
    acts, at = 1, 1
    while at <= acts:
        fate = Fate(at)
        yield fate
        acts = min(fate.acts, most)
        at += 1
    assert at > 20


class _Mortal:
    def __init__(self, thing: Any, fate: Fate) -> None:
        self._thing = thing
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._thing, name)
        if name in ("heads", "quotas"):
            return self._fate.meets(found)
        if name not in ACTS or not callable(found):
            return found

        def act(*arguments: Any, **named: Any) -> Any:
            result = found(*arguments, **named)
            if self._fate.strike():
                raise Killed
            return result

        return act


class Impatient(Bench):
    places = 16

    def another(self, **changes: Any) -> Daemon:
        return super().another(unknown=8.0, sweeps=self.places, **changes)


class OnePlace(Impatient):
    places = 1


def live(bench: Bench, fate: Fate) -> None:
    """Two sweeps start, one loses its head and one is cancelled; whenever the daemon is killed another one comes."""
    bench.store, bench.heads = fate.meets(bench.store), fate.meets(bench.heads)
    bench.daemon = bench.another()
    real, heads = bench.store._thing, bench.heads._thing

    def step(seconds: float) -> None:
        try:
            bench.step(seconds)
        except Killed:
            bench.restart()
            bench.step()

    def come() -> None:
        for record in real.sweeps(("STARTING", "RUNNING")):
            name = f"sieve-{record.name}-{record.attempt}"
            if heads.lives.get(name) and not real.heads.of(record.name).enrolled:
                bench.head(record.name)

    for name in ("a", "b"):
        bench.submit(name)
    step(0)
    come()
    for id in list(heads.lives):
        if id.startswith("sieve-a"):
            heads.lives[id] = False
    real.wish("b", "cancel")
    for seconds in (1, 10, 31, 10, 31, 10):
        step(seconds)
        come()


def make_room(bench: Bench, fate: Fate) -> None:
    """A sweep has the only place, one of higher priority takes it; then a head dies that was to make room."""
    bench.store, bench.heads = fate.meets(bench.store), fate.meets(bench.heads)
    real, heads = bench.store._thing, bench.heads._thing
    bench.daemon = bench.another()
    for name, priority in (("low", 0), ("high", 1), ("highest", 2)):
        bench.submit(name, priority=priority)
        for seconds in (0, 1, 10, 10, 10):
            try:
                bench.step(seconds)
            except Killed:
                bench.restart()
            for record in real.sweeps(("STARTING", "RUNNING")):
                if not heads.lives.get(f"sieve-{record.name}-{record.attempt}"):
                    continue
                if not real.heads.of(record.name).enrolled:
                    bench.head(record.name)
                if real.beat(record.name, record.attempt, "RUNNING").wish == "yield" and record.name == "low":
                    real.end(record.name, record.attempt, "QUEUED", "made room")
                elif real.sweep(record.name).wish == "yield":
                    heads.lives[f"sieve-{record.name}-{record.attempt}"] = False


def test_room_is_made_though_the_daemon_is_killed_at_any_point(tmp_path: Path) -> None:
    for fate in fates(30):
        bench = OnePlace(Store("sqlite://"), Heads(), tmp_path)
        make_room(bench, fate)
        told = f"killed at act {fate.at} of {fate.acts}: {bench.states()} {bench.heads._thing.lives}"
        assert bench.states() == {"low": "QUEUED", "high": "QUEUED", "highest": "RUNNING"}, told
        assert [bench.of(name).wish for name in ("low", "high", "highest")] == [None] * 3, told
        assert [bench.of(name).why[:19] for name in ("low", "high")] == ["made room for high:", "made room for highe"]


def test_a_daemon_may_be_killed_at_any_point(tmp_path: Path) -> None:
    for fate in fates(40):
        bench = Impatient(Store("sqlite://"), Heads(), tmp_path)
        live(bench, fate)
        record, real, heads = bench.of("a"), bench.store._thing, bench.heads._thing
        head = real.heads.of("a")
        told = f"killed at act {fate.at} of {fate.acts}: {record} {heads.lives}"
        assert bench.states() == {"a": "RUNNING", "b": "CANCELLED"}, told
        assert heads.lives[f"sieve-a-{record.attempt}"], told
        assert head.attempt == record.attempt, told
        assert record.attempt <= 4, told
