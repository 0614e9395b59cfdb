"""How good a run was: regret over time of its incumbent, normalized so that runs of different problems compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from bench.problems.references import Reference
from bench.problems.world import Report

POINTS = 101
SHARES = (0.1, 0.25, 0.5, 1.0)
_NOTHING = 1.0  # the loss before the first report: the worst error rate
_RESAMPLES = 2000


@dataclass(frozen=True)
class Score:
    """One run's score.

    ``regret``: normalized regret at :data:`POINTS` times evenly over the budget: of the reference's random configs 0
    is the best, or what is better still, and 1 the median. ``mean``: over all those times. ``top``: when the first
    config ended its whole training with a loss among the best 1 % of random ones, in mean seconds of a whole training;
    None when none did.
    """

    regret: tuple[float, ...]
    mean: float
    top: float | None

    def at(self, share: float) -> float:
        """Normalized regret when ``share`` of the budget is used."""
        return self.regret[round(share * (POINTS - 1))]


def score(changes: Sequence[Report], reference: Reference, seconds: float, top: int) -> Score:
    """Score a run by the reports that changed its incumbent, of a budget of ``seconds``; ``top`` is the last level."""
    losses = values(changes, np.linspace(0.0, seconds, POINTS))
    regret = np.maximum(0.0, losses - reference.best) / (reference.median - reference.best)
    _, _, one_percent, _ = reference.q
    hits = (change.time for change in changes if change.level == top and change.loss <= one_percent)
    first = next(hits, None)
    return Score(tuple(regret.tolist()), float(regret.mean()), None if first is None else first / reference.unit)


def values(changes: Sequence[Report], times: np.ndarray) -> np.ndarray:
    """The loss after the whole training of the config that is the incumbent at each time, 1 before the first."""
    losses = np.array([_NOTHING, *(change.full for change in changes)])
    return losses[np.searchsorted([change.time for change in changes], times, side="right")]


def interval(groups: Sequence[Sequence[float]]) -> tuple[float, float]:
    """A 95 % interval of the mean of the groups' means, by the bootstrap within each group with a fixed seed.

    Percentiles (Efron, 1979); a group holds the runs of one problem, one for each seed.
    """
    rng = np.random.default_rng(0)
    means = np.zeros(_RESAMPLES)
    for group in groups:
        array = np.asarray(group, float)
        means += array[rng.integers(len(array), size=(_RESAMPLES, len(array)))].mean(axis=1)
    low, high = np.quantile(means / len(groups), (0.025, 0.975))
    return float(low), float(high)


def ranks(means: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Each method's rank (1 is best, ties shared) averaged over problems, from ``means[method][problem]``.

    All methods must have the same problems.
    """
    methods = list(means)
    table = np.array([[means[method][problem] for problem in means[methods[0]]] for method in methods])
    return dict(zip(methods, rankdata(table, axis=0).mean(axis=1).tolist(), strict=True))
