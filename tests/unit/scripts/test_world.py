"""The simulated cluster: time, resumption, what goes wrong, and who is the incumbent."""

from __future__ import annotations

from collections.abc import Hashable

import pytest

from bench.problems.curve import Curve
from bench.problems.world import Report, Setting, Verdict, Work, incumbents, simulate


class Toy:
    """Every config has the same curve of three levels."""

    def __init__(self, resumable: bool) -> None:
        self.resumable = resumable

    def curve(self, config: dict[str, float]) -> Curve:
        return Curve((0.9, 0.5, 0.1 + config["x"]), (1.0, 2.0, 4.0))


class Script:
    """Hands out the given work, then nothing; pauses at level ``pause``."""

    def __init__(self, work: list[Work], every_level: bool = True, pause: int | None = None) -> None:
        self.every_level, self.work, self.pause = every_level, work, pause

    def next(self) -> Work | None:
        return self.work.pop(0) if self.work else None

    def report(self, key: Hashable, level: int, loss: float, seconds: float) -> Verdict:
        return "pause" if level == self.pause else "continue"


def times(resumable: bool, peer: Script, setting: Setting) -> list[tuple[float, int]]:
    return [(report.time, report.level) for report in simulate(Toy(resumable), peer, setting).reports]


A, B = Work("a", {"x": 0.0}, 2), Work("b", {"x": 0.2}, 2)


def test_training_that_resumes_pays_each_level_once() -> None:
    assert times(True, Script([A]), Setting(1, 100, 0)) == [(1, 0), (2, 1), (4, 2)]
    assert times(True, Script([A], every_level=False), Setting(1, 100, 0)) == [(4, 2)]
    assert times(True, Script([A, A], pause=1), Setting(1, 100, 0)) == [(1, 0), (2, 1), (4, 2)]


def test_training_that_restarts_pays_every_level_in_full() -> None:
    assert times(False, Script([A]), Setting(1, 100, 0)) == [(1, 0), (3, 1), (7, 2)]
    assert times(False, Script([A], every_level=False), Setting(1, 100, 0)) == [(4, 2)]


def test_workers_run_at_once_until_the_time_is_over() -> None:
    assert times(True, Script([A, B]), Setting(2, 2.5, 0)) == [(1, 0), (1, 0), (2, 1), (2, 1)]
    assert times(True, Script([A, B], every_level=False), Setting(1, 7.9, 0)) == [(4, 2)]


def test_less_than_what_was_trained_is_trained_anew() -> None:
    again = [A, A._replace(level=0)]
    assert times(True, Script(again, every_level=False), Setting(1, 100, 0)) == [(4, 2), (5, 0)]
    assert times(True, Script([A, A]), Setting(1, 100, 0))[3:] == [(5, 0), (6, 1), (8, 2)]


def test_stragglers_and_crashes_only_ever_take_longer() -> None:
    (calm,) = times(True, Script([A], every_level=False), Setting(1, 1e9, 3))
    (slow,) = times(True, Script([A], every_level=False), Setting(1, 1e9, 3, stragglers=1.0))
    (lossy,) = times(True, Script([A], every_level=False), Setting(1, 1e9, 3, crashes=0.9))
    assert slow[0] > calm[0] < lossy[0]


def test_decisions_are_timed() -> None:
    trace = simulate(Toy(True), Script([A]), Setting(1, 100, 0))
    assert trace.launched == 1
    assert len(trace.cpu) == len(trace.wall) == 5  # three reports, two questions
    assert min(trace.wall) > 0


def test_the_incumbent_is_the_best_at_the_highest_level_seen() -> None:
    reports = [
        Report(1, 0, 0.5, 0.4),
        Report(2, 0, 0.6, 0.1),
        Report(3, 1, 0.9, 0.8),
        Report(4, 0, 0.1, 0.1),
        Report(5, 1, 0.7, 0.3),
    ]
    assert [report.time for report in incumbents(reports)] == [1, 3, 5]


@pytest.mark.parametrize("workers", [1, 3])
def test_a_run_repeats_exactly(workers: int) -> None:
    setting = Setting(workers, 50, 7, stragglers=0.5, crashes=0.2)
    assert times(True, Script([A, B] * 3), setting) == times(True, Script([A, B] * 3), setting)
