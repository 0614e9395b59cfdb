"""Who is silent is said at half the time, and ended after it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from service.engine.head.failures.silence_watch import SilenceWatch
from service.spec import load
from tests.ray.toys import toy


class Log:
    """A trial log of two trials that run; ``said`` has what they are said to be."""

    def __init__(self) -> None:
        self.trials = {number: SimpleNamespace(round=0, stage=0) for number in (1, 2)}
        self.longest: dict[float, float] = {}
        self.said: list[tuple[int, str]] = []

    def change(self, number: int, *, why: str) -> None:
        self.said.append((number, why))


def test_a_trial_is_flagged_then_ended_and_another_that_reports_is_not() -> None:
    log, now = Log(), SimpleNamespace(time=0.0)
    watch = SilenceWatch(load(toy(hang_timeout=10)), cast(Any, log), lambda: now.time)

    def at(time: float) -> list[int]:
        now.time = time
        return [number for number, _ in watch.hung()]

    watch.heard(1)
    watch.heard(2)
    assert (at(4.0), log.said) == ([], [])
    assert at(6.0) == []
    assert [number for number, _ in log.said] == [1, 2]
    assert log.said[0][1].startswith("silent for more than 5 s")
    watch.heard(2)
    assert log.said[2:] == [(2, "")], "it has spoken"
    assert at(11.0) == [1]
    assert at(12.0) == [], "told once"
    watch.left(2)
    assert at(100.0) == []


def test_without_an_end_of_patience_none_hangs() -> None:
    log = Log()
    watch = SilenceWatch(load(toy(hang_timeout=None)), cast(Any, log), iter([0.0, *[1e9] * 9]).__next__)
    watch.heard(1)
    assert (list(watch.hung()), log.said) == ([], [])
