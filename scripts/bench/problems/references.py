"""What is good on a problem: reference values from many random configs, computed once and kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bench.problems.problems import Problem  # needs onnxruntime, which reading a reference does not

SAMPLES = 30_000
SEED = 20_240_901
_SHARES = (0.5, 0.1, 0.01, 0.001)


@dataclass(frozen=True)
class Reference:
    """Losses after the whole training, of :data:`SAMPLES` random configs with a fixed seed, and its mean seconds.

    ``q`` holds the losses of the best half, 10 %, 1 % and 0.1 % of them.
    """

    best: float
    median: float
    q: tuple[float, ...]
    unit: float


def reference(problem: Problem, folder: Path) -> Reference:
    """The problem's reference, computed in seconds at first and then read from ``folder``."""
    kept = folder / f"{problem.name.replace(':', '-')}.json"
    if kept.exists():
        raw = json.loads(kept.read_text())
        return Reference(**{**raw, "q": tuple(raw["q"])})
    found = _compute(problem)
    folder.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(asdict(found), indent=1) + "\n")
    return found


def _compute(problem: Problem) -> Reference:
    rng = np.random.default_rng(SEED)
    configs = [problem.space.sample(rng) for _ in range(SAMPLES)]
    losses, seconds = problem.full(configs)
    quantiles = tuple(float(value) for value in np.quantile(losses, _SHARES))
    return Reference(float(losses.min()), float(np.median(losses)), quantiles, float(seconds.mean()))
