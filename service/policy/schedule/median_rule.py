"""Median stopping rule inside a stage (Ray Tune: ``MedianStoppingRule``; Optuna: ``MedianPruner``).

Golovin et al. 2017, Google Vizier.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from statistics import fmean, mean

from service.policy.verdict import Verdict
from service.spec import Spec

FEWEST = 5
"""Other trials that must have reported the same epoch of the same stage (Optuna: ``n_startup_trials``)."""

EARLIEST = 0.25
"""Fraction of a stage's epochs before which no curve is judged (Optuna: ``n_warmup_steps``)."""


class MedianRule:
    """Median rule: a trial stops if its best value in a stage is worse than the median of the others' running means.

    Only values up to the same epoch of the same stage are compared.
    """

    def __init__(self, spec: Spec) -> None:
        self._metric = spec.metric.name
        self._sign = 1.0 if spec.metric.goal == "maximize" else -1.0
        self._epochs = [stage.epochs for stage in spec.plan.stages]
        self._scores: dict[tuple[int, int], list[float]] = {}
        self._means: dict[tuple[int, int], list[float]] = {}

    def judge(self, trial: int, stage: int, done: int, value: float) -> Verdict | None:
        """Record the value of ``trial`` after ``done`` epochs of ``stage``; a stop verdict, or None to train on."""
        scores = self._scores.setdefault((trial, stage), [])
        scores.append(self._sign * value)
        others = self._means.setdefault((stage, done), [])
        verdict = None
        if len(others) >= FEWEST and done >= EARLIEST * self._epochs[stage]:
            median, best = others[len(others) // 2], max(scores)
            if best < median:
                verdict = self._stop(stage, done, best, median, len(others))
        insort(others, _mean(scores))
        return verdict

    def _stop(self, stage: int, done: int, best: float, median: float, count: int) -> Verdict:
        numbers = {"best": self._sign * best, "median": self._sign * median, "of": count}
        return Verdict(
            "stop",
            f"stopped in stage {stage} after {done} epochs: its best {self._metric} {numbers['best']:.6g} is worse "
            f"than {numbers['median']:.6g}, the median of {count} others' means up to there",
            numbers,
        )


def _mean(values: Sequence[float]) -> float:
    """The mean, of values too whose sum no float holds."""
    try:
        return fmean(values)
    except OverflowError:
        return mean(values)
