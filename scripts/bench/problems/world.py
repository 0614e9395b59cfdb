"""N workers in simulated time: training takes what the problem says it does, and nothing else takes time."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol, TypeVar

import numpy as np

from bench.problems.curve import Curve
from bench.problems.space import Config

Verdict = Literal["continue", "pause", "stop"]
_Answer = TypeVar("_Answer")


class Trainable(Protocol):
    """What the simulation needs of a :class:`~bench.problems.problems.Problem`."""

    resumable: bool

    def curve(self, config: Config) -> Curve:
        """Losses and seconds at each level."""


class Work(NamedTuple):
    """Train ``config`` up to the level at position ``level``; work with the same ``key`` goes on where it left off."""

    key: Hashable
    config: Config
    level: int


class Peer(Protocol):
    """A library that decides. ``every_level``: it hears of every level on the way, else of each work's last."""

    every_level: bool

    def next(self) -> Work | None:
        """What a free worker shall do; None leaves it idle until the next report."""

    def report(self, key: Hashable, level: int, loss: float, seconds: float) -> Verdict:
        """Hear a loss; whether the worker goes on with this work or is free. ``seconds`` is what the level took."""


class Report(NamedTuple):
    """One loss, handed in at ``time`` seconds; ``full`` is the loss of the same config after its whole training."""

    time: float
    level: int
    loss: float
    full: float


@dataclass(frozen=True)
class Setting:
    """The simulated cluster: workers, the seconds it lasts, the seed, and what goes wrong.

    ``stragglers``: the time of each work is multiplied by 1 + |z|, z normal with this standard deviation, default 0
    (Li et al., 2020). ``crashes``: the probability that the training of a level is lost, at a uniformly random point of
    it, and repeated, default 0.
    """

    workers: int
    seconds: float
    seed: int
    stragglers: float = 0.0
    crashes: float = 0.0


@dataclass
class Trace:
    """What a run did: its reports in order of time, configs and continuations launched, CPU and wall s per decision."""

    reports: list[Report] = field(default_factory=list)
    launched: int = 0
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    def decide(self, decision: Callable[[], _Answer]) -> _Answer:
        """Make a decision and note what it cost, the CPU of all threads of this process."""
        cpu, wall = time.process_time(), time.perf_counter()
        answer = decision()
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)
        return answer


@dataclass(frozen=True)
class _Running:
    work: Work
    curve: Curve
    slowness: float
    level: int = 0  # at which it reports next
    seconds: float = 0.0  # which that takes


class World:
    """A discrete-event simulation of one run."""

    def __init__(self, problem: Trainable, peer: Peer, setting: Setting) -> None:
        self.trace = Trace()
        self._problem, self._peer, self._setting = problem, peer, setting
        self._rng = np.random.default_rng(setting.seed)
        self._reached: dict[Hashable, int] = {}
        self._events: list[tuple[float, int, _Running]] = []
        self._count = 0

    def run(self) -> Trace:
        """Until the time is over or nothing is left to do."""
        idle = self._fill(self._setting.workers, 0.0)
        while self._events:
            now, _, running = heapq.heappop(self._events)
            if now > self._setting.seconds:
                break
            if not self._goes_on(now, running):
                idle = self._fill(idle + 1, now)
        return self.trace

    def _fill(self, idle: int, now: float) -> int:
        while idle:
            work = self.trace.decide(self._peer.next)
            if work is None:
                break
            self.trace.launched += 1
            slowness = 1.0 + abs(self._rng.normal(0.0, self._setting.stragglers))
            reached = self._reached.get(work.key, -1)
            first = reached + 1 if reached < work.level else 0  # asked for less than it has: trained anew
            self._start(now, first, _Running(work, self._problem.curve(work.config), slowness))
            idle -= 1
        return idle

    def _start(self, now: float, first: int, running: _Running) -> None:
        last = first if self._peer.every_level else running.work.level
        seconds = running.slowness * self._seconds(running.curve, first, last)
        self._count += 1
        heapq.heappush(self._events, (now + seconds, self._count, replace(running, level=last, seconds=seconds)))

    def _seconds(self, curve: Curve, first: int, last: int) -> float:
        """From the end of the level before ``first`` to the end of ``last``, what crashes lose included."""
        if not self._problem.resumable:
            return self._with_crashes(curve.seconds[last])
        ends = (curve.seconds[first - 1] if first else 0.0, *curve.seconds[first : last + 1])
        return sum(self._with_crashes(end - begin) for begin, end in pairwise(ends))

    def _with_crashes(self, seconds: float) -> float:
        if not self._setting.crashes:
            return seconds
        lost = self._rng.geometric(1.0 - self._setting.crashes) - 1
        return seconds * (1.0 + float(self._rng.random(lost).sum()))

    def _goes_on(self, now: float, running: _Running) -> bool:
        work, level, curve = running.work, running.level, running.curve
        self._reached[work.key] = max(level, self._reached.get(work.key, -1))
        self.trace.reports.append(Report(now, level, curve.losses[level], curve.losses[-1]))
        verdict = self.trace.decide(lambda: self._peer.report(work.key, level, curve.losses[level], running.seconds))
        goes_on = verdict == "continue" and level < work.level
        if goes_on:
            self._start(now, level + 1, running)
        return goes_on


def simulate(problem: Trainable, peer: Peer, setting: Setting) -> Trace:
    """Run ``peer`` on ``problem``."""
    return World(problem, peer, setting).run()


def incumbents(reports: Iterable[Report]) -> list[Report]:
    """The reports that changed the incumbent: the best at the highest level seen so far."""
    changes: list[Report] = []
    for report in reports:
        if not changes or (-report.level, report.loss) < (-changes[-1].level, changes[-1].loss):
            changes.append(report)
    return changes


def reached(reports: Sequence[Report], level: int) -> int:
    """How many of the reports are at ``level``."""
    return sum(report.level == level for report in reports)
