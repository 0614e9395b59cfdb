"""How well a first stage foretells full training: rank correlation and regret, with intervals over tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.stats import rankdata

from bench.transfer.scores import Scores, Values
from bench.transfer.trainings import AS_IS, VARIANTS

DRAWS = 1000
"""Of the bootstrap: tasks, and within each its configs."""
CARRIED, OF = 4, 16
STEPS = (4, 8, 12, 16, 24, 32, 48, 64, 96)
Measure = Callable[[Scores], float]


def spearman(one: Values, other: Values) -> float:
    """Rank correlation; 0 where all values are the same."""
    ranks = [rankdata(values) for values in (one, other)]
    if min(rank.std() for rank in ranks) == 0:
        return 0.0
    return float(np.corrcoef(*ranks)[0, 1])


def agreement(values: Values, full: Values, half: bool = False) -> float:
    """The mean over seeds of the correlation with ``full``, over all configs or the better half of them."""
    rows = full >= np.median(full) if half else np.ones(len(full), dtype=bool)
    return float(np.mean([spearman(seed[rows], full[rows]) for seed in values]))


def regret(values: Values, full: Values, carried: int, draws: int = 400) -> float:
    """How far, in hundredths, the best of `OF` random configs is above the best of those ``carried`` by ``values``."""
    random, lost = np.random.default_rng(0), []
    for _ in range(draws):
        rows = random.permutation(len(full))[:OF]
        for seed in values:
            best = rows[np.argsort(-seed[rows], kind="stable")[:carried]]
            lost.append(full[rows].max() - full[best].max())
    return 100 * float(np.mean(lost))


def pooled(measure: Measure, every: Sequence[Scores], draws: int = DRAWS) -> dict[str, float]:
    """The mean of ``measure`` over tasks and its 95 % interval by a bootstrap of tasks and of configs within each."""
    random, found = np.random.default_rng(0), []
    for _ in range(draws):
        tasks = random.integers(len(every), size=len(every))
        sampled = [(every[task], len(every[task].full)) for task in tasks]
        found.append(np.mean([measure(one.chosen(random.integers(size, size=size))) for one, size in sampled]))
    low, high = np.quantile(found, (0.025, 0.975))
    return {"mean": float(np.mean([measure(one) for one in every])), "low": float(low), "high": float(high)}


def changes(every: Sequence[Scores], draws: int = DRAWS) -> dict[str, Any]:
    """Of each variant: the change of the correlation against "as is", and against as is with epochs of equal cost."""

    def change(name: str, half: bool, equal: bool) -> Measure:
        def measure(one: Scores) -> float:
            base = one.at_cost(one.cost[name]) if equal else one.coarse[AS_IS]
            return agreement(one.coarse[name], one.full, half) - agreement(base, one.full, half)

        return measure

    names = [name for name in VARIANTS if name != AS_IS]
    return {
        name: {
            "cost": [float(f(one.cost[name] / one.cost[AS_IS] for one in every)) for f in (min, max)],
            "all": pooled(change(name, False, False), every, draws),
            "better half": pooled(change(name, True, False), every, draws),
            "all, equal cost": pooled(change(name, False, True), every, draws),
            "better half, equal cost": pooled(change(name, True, True), every, draws),
        }
        for name in names
    }


def by_task(one: Scores) -> dict[str, Any]:
    """Correlations and regrets of each variant on one task."""
    both = one.seeds.mean(axis=0)
    better = both >= np.median(both)
    return {
        "configs": len(one.full),
        "full_seconds": round(one.full_cost, 2),
        "two full trainings": {"all": spearman(*one.seeds), "better half": spearman(*one.seeds[:, better])},
        "steps": float(np.median(one.steps)) * one.coarse_epochs,
        **{
            name: {
                "seconds": round(one.cost[name], 3),
                "all": agreement(one.coarse[name], one.full),
                "better half": agreement(one.coarse[name], one.full, half=True),
                f"regret of {CARRIED} of {OF}": regret(one.coarse[name], one.full, CARRIED),
                "regret of the winner": regret(one.coarse[name], one.full, 1),
            }
            for name in VARIANTS
        },
    }


def pooled_regrets(every: Sequence[Scores]) -> dict[str, Any]:
    """Of each variant: the regret of carrying some of the configs on, and of trusting the winner alone.

    Only of tasks that are judged by accuracy: in hundredths of it.
    """
    judged = [one for one in every if one.full.max() > 0]

    def lost(name: str, carried: int) -> Measure:
        return lambda one: regret(one.coarse[name], one.full, carried, draws=20)

    kinds = {f"{CARRIED} of {OF}": CARRIED, "the winner": 1}
    return {
        name: {kind: pooled(lost(name, count), judged, DRAWS // 4) for kind, count in kinds.items()}
        for name in VARIANTS
    }


def by_steps(every: Sequence[Scores], draws: int = DRAWS) -> list[dict[str, Any]]:
    """The correlation after so many optimizer steps of the median config, of the tasks that come that far."""
    rows = []
    for steps in STEPS:
        reached = [one for one in every if np.median(one.steps) * len(one.epochs) >= steps >= np.median(one.steps)]
        if len(reached) >= 3:
            rows.append(
                {"steps": steps, "tasks": [one.task for one in reached]} | pooled(_after(steps), reached, draws)
            )
    return rows


def _after(steps: int) -> Measure:
    def measure(one: Scores) -> float:
        epoch = min(len(one.epochs), max(1, round(steps / float(np.median(one.steps)))))
        return agreement(one.epochs[epoch - 1], one.full)

    return measure
