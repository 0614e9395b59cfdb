"""How well a first stage foretells full training: rank correlation and regret, with intervals over tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bench.transfer.scores import Scores, Values
from bench.transfer.trainings import AS_IS, VARIANTS
from service.spec.stage_plan.steps import USEFUL

DRAWS = 1000
"""Of the bootstrap: tasks, and within each its configs."""
CARRIED, OF = 4, 16
STEPS = (4, 8, 12, 16, 24, 32, 48, 64, 96)
Rows = NDArray[np.int64]
"""Numbers of configs, shape (draws, configs)."""
Measure = Callable[[Scores, Rows], Values]
"""A figure of a task for each draw of its configs, shape (draws,)."""


def spearman(one: Values, other: Values) -> Values:
    """Rank correlation along the last axis; 0 where all values are the same."""
    ranks = [rankdata(values, axis=-1) for values in (one, other)]
    apart = [rank - rank.mean(axis=-1, keepdims=True) for rank in ranks]
    scale = np.sqrt((apart[0] ** 2).sum(axis=-1) * (apart[1] ** 2).sum(axis=-1))
    return np.where(scale > 0, (apart[0] * apart[1]).sum(axis=-1) / np.maximum(scale, 1e-12), 0.0)


def agreement(values: Values, full: Values, rows: Rows, half: bool = False) -> Values:
    """The mean over seeds of the correlation with ``full``, over all drawn configs or the better half of them."""
    true, seen = full[rows], values[:, rows]
    if half:
        better = np.argsort(-true, axis=1, kind="stable")[:, : -(-true.shape[1] // 2)]
        true, seen = np.take_along_axis(true, better, 1), np.take_along_axis(seen, better[None], 2)
    return spearman(seen, np.broadcast_to(true, seen.shape)).mean(axis=0)


def regret(values: Values, full: Values, rows: Rows, carried: int, subsets: int = 50) -> Values:
    """How far, in hundredths, the best of `OF` of the drawn configs is above the best of those ``carried`` on."""
    random, lost = np.random.default_rng(0), []
    for _ in range(subsets):
        some = rows[:, random.permutation(rows.shape[1])[:OF]]
        true = np.broadcast_to(full[some], (len(values), *some.shape))
        best = np.argsort(-values[:, some], axis=2, kind="stable")[..., :carried]
        lost.append(true.max(axis=2) - np.take_along_axis(true, best, 2).max(axis=2))
    return 100 * np.mean(lost, axis=(0, 1))


def whole(one: Scores) -> Rows:
    """Each config once."""
    return np.arange(len(one.full))[None]


def pooled(measure: Measure, every: Sequence[Scores], draws: int = DRAWS) -> dict[str, float]:
    """The mean of ``measure`` over tasks and its 95 % interval by a bootstrap of tasks and of configs within each."""
    random, tasks = np.random.default_rng(0), len(every)
    sizes = [len(one.full) for one in every]
    each = [measure(one, random.integers(n, size=(draws, n))) for one, n in zip(every, sizes, strict=True)]
    drawn = random.integers(tasks, size=(draws, tasks)), random.integers(draws, size=(draws, tasks))
    low, high = np.quantile(np.array(each)[drawn].mean(axis=1), (0.025, 0.975))
    return {"mean": float(np.mean([measure(one, whole(one)) for one in every])), "low": float(low), "high": float(high)}


def changes(every: Sequence[Scores], draws: int = DRAWS) -> dict[str, Any]:
    """Of each variant: the change of the correlation against "as is", and against as is with epochs of equal cost."""

    def change(name: str, half: bool, equal: bool) -> Measure:
        def measure(one: Scores, rows: Rows) -> Values:
            base = one.at_cost(one.cost[name]) if equal else one.coarse[AS_IS]
            return agreement(one.coarse[name], one.full, rows, half) - agreement(base, one.full, rows, half)

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
    rows = whole(one)

    def figures(name: str) -> dict[str, float]:
        seen = one.coarse[name]
        return {
            "seconds": round(one.cost[name], 3),
            "all": float(agreement(seen, one.full, rows)[0]),
            "better half": float(agreement(seen, one.full, rows, half=True)[0]),
            f"regret of {CARRIED} of {OF}": float(regret(seen, one.full, rows, CARRIED)[0]),
            "regret of the winner": float(regret(seen, one.full, rows, 1)[0]),
        }

    return {
        "configs": len(one.full),
        "full_seconds": round(one.full_cost, 2),
        "two full trainings agree": float(spearman(*one.seeds)),
        "steps": float(np.median(one.steps)) * one.coarse_epochs,
        **{name: figures(name) for name in VARIANTS},
    }


def pooled_regrets(every: Sequence[Scores]) -> dict[str, Any]:
    """Of each variant: the regret of carrying some of the configs on, and of trusting the winner alone.

    Only of tasks that are judged by accuracy: in hundredths of it.
    """
    judged = [one for one in every if one.full.max() > 0]

    def lost(name: str, carried: int) -> Measure:
        return lambda one, rows: regret(one.coarse[name], one.full, rows, carried)

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
            found, gap = pooled(_after(steps), reached, draws), _gap(steps, reached, draws)
            rows.append({"steps": steps, "tasks": [one.task for one in reached], **found, "against": gap})
    return rows


def _gap(steps: int, every: Sequence[Scores], draws: int) -> dict[str, float]:
    """The change of the correlation against that after `USEFUL` steps, of the tasks that come so far."""
    there = [one for one in every if np.median(one.steps) * len(one.epochs) >= USEFUL]
    here, useful = _after(steps), _after(USEFUL)
    return pooled(lambda one, rows: here(one, rows) - useful(one, rows), there, draws)


def _after(steps: int) -> Measure:
    def measure(one: Scores, rows: Rows) -> Values:
        epoch = min(len(one.epochs), max(1, round(steps / float(np.median(one.steps)))))
        return agreement(one.epochs[epoch - 1], one.full, rows)

    return measure
