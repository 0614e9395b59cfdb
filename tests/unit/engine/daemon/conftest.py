"""A daemon stepped by hand, over a real store and a cluster and a launcher that do as they are told."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cluster.inventory import Node
from service.engine.daemon import Daemon, DaemonSettings
from service.engine.launch.launcher import Launch, LaunchFailed
from service.ledger.ledger import Needs
from service.ledger.over_http.head_secret import digest
from service.ledger.records import SweepRecord
from service.ledger.store.store import Store
from service.spec import load

LISTENS = 10.0
"""Seconds between two steps at most."""


@dataclass
class Heads:
    """A launcher of heads that do nothing by themselves; by id, which have been launched, live and were stopped."""

    launched: dict[str, Launch] = field(default_factory=dict)
    lives: dict[str, bool | None] = field(default_factory=dict)
    stopped: list[str] = field(default_factory=list)
    says: str = "starting\nRuntimeError: no such luck\n"
    broken: bool = False

    def start(self, launch: Launch) -> str:
        if self.broken:
            raise LaunchFailed("the dashboard is away", "it is tried again")
        id = f"sieve-{launch.sweep}-{launch.attempt}"
        self.launched[id] = launch
        self.lives[id] = True
        return id

    def alive(self, id: str) -> bool | None:
        return self.lives.get(id)

    def stop(self, id: str) -> None:
        if self.broken:
            raise LaunchFailed("the dashboard is away", "it is tried again")
        self.stopped.append(id)
        self.lives[id] = False

    def logs(self, id: str, follow: bool = False) -> Iterator[str]:
        yield self.says


@dataclass
class Bench:
    """A store at ``url``, a cluster of ``gpus`` on each node, the heads, and a clock."""

    store: Store
    heads: Heads
    folder: Path
    gpus: list[float] = field(default_factory=lambda: [4.0, 4.0])
    dead: tuple[int, ...] = ()
    asked: int = 0
    away: Exception | None = None
    now: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.daemon = self.another()

    def another(self, **changes: Any) -> Daemon:
        """One more daemon over the same store; the settings replaced by ``changes``."""
        settings = DaemonSettings("http://service", self.folder, code=lambda _: self.folder, look=0.0, lease=0.0)
        return Daemon(self.store, self.heads, self._nodes, replace(settings, **changes))

    def restart(self) -> None:
        """The daemon is gone, and another one leads in its place."""
        self.daemon = self.another()

    def submit(self, name: str, owner: str = "ada", **changes: Any) -> SweepRecord:
        spec = load(
            {
                "name": name,
                "task": "toy:curve",
                "metric": {"name": "score", "goal": "maximize"},
                "parameters": {"x": {"uniform": [0, 1]}},
                "stages": [{"data": 1.0, "epochs": 1}],
                "search": {"algorithm": "random", "trials": 8},
                "resources": {"cpu": 1, "gpu": 1},
            }
            | changes
        )
        record = SweepRecord(name, spec.to_dict(), "/project", owner, "QUEUED", time.time())
        return self.store.add(replace(record, priority=spec.priority, weight=spec.weight))

    def step(self, seconds: float = 0.0, daemon: Daemon | None = None) -> bool:
        """Steps for ``seconds``, the last of them at their end."""
        daemon, until = daemon or self.daemon, self.now + seconds
        while until - self.now > LISTENS:
            self.now += LISTENS
            daemon.step(self.now)
        self.now = until
        return daemon.step(self.now)

    def head(self, name: str, *, wanted: int = 8) -> None:
        """The newest head of a sweep comes, or is heard of again."""
        record = self.store.sweep(name)
        ticket = self.heads.launched[f"sieve-{name}-{record.attempt}"].ticket
        self.store.heads.enroll(name, record.attempt, digest(ticket), digest("token"))
        self.store.beat(name, record.attempt, "RUNNING", Needs(1, wanted, {"CPU": 1.0, "GPU": 1.0}))

    def of(self, name: str) -> SweepRecord:
        return self.store.sweep(name)

    def states(self) -> dict[str, str]:
        return {record.name: record.state for record in self.store.sweeps()}

    def _nodes(self) -> list[Node]:
        self.asked += 1
        if self.away:
            raise self.away
        return [
            Node(str(n), f"node-{n}", {"CPU": 16.0, "GPU": gpus}, n not in self.dead)
            for n, gpus in enumerate(self.gpus)
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(Store(f"sqlite:///{tmp_path / 'sieve.db'}"), Heads(), tmp_path)
