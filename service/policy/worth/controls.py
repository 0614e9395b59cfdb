"""Random controls: a few trials that climb every stage whatever their ranks, so that what stages foretell is measured.

Trials that a rung lets through are its best ones, and of these alone nobody can tell how well the rung ranks. A control
is drawn before it has a value, so that the controls are a fair sample of all that the searcher proposes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from service.policy.limits import max_trials
from service.spec import Spec

MOST = 0.125
"""The part of a sweep's work that controls may be: an eighth."""

OPENING = 8
"""So many first trials of a large sweep pass its first rung, so that something is known of that early."""

DRAWN = 7
"""Tells these draws from all others of the seed."""


@dataclass(frozen=True)
class Controls:
    """Which trials of a round are controls: after the first ``every`` one at random of each so many that begin.

    ``before`` trials belong to earlier rounds. ``every`` is None where there are none, and 1 where all trials climb
    every stage anyway. The first ``opening`` trials are no controls, but pass the first rung undecided.
    """

    every: int | None
    seed: int = 0
    before: int = 0
    opening: int = 0

    @classmethod
    def of(cls, spec: Spec, before: int = 0) -> Controls:
        """Those of the round of ``spec``: all trials of `fifo`, a few of `promote`; other schedulers have none.

        A control costs a whole training. So many are drawn that they are an eighth of the work of the sweep at most,
        which with few trials means none. A sweep that has room for `OPENING` full trainings more, or whose number of
        trials nobody knows, has as many trials pass its first rung.
        """
        algorithm, plan = spec.schedule.algorithm, spec.plan
        if algorithm == "fifo" or len(plan) == 1:
            return cls(1)
        if algorithm != "promote":
            return cls(None)
        halved = sum(stage.cost / spec.schedule.reduction_factor**i for i, stage in enumerate(plan.stages))
        every, trials = math.ceil(plan.total / (MOST * halved)), max_trials(spec)
        large = trials is None or trials >= OPENING * every
        return cls(every, spec.search.seed, before, OPENING if large else 0)

    def __contains__(self, trial: int) -> bool:
        if self.every is None or self.every == 1:
            return self.every == 1
        group, place = divmod(trial - self.before - 1, self.every)
        return group > 0 and place == _place(self.seed, group, self.every)

    def opens(self, trial: int) -> bool:
        """Whether the trial is one of the first, which pass the first rung."""
        return trial - self.before <= self.opening

    def count(self, trials: int) -> int:
        """How many of the first ``trials`` of the round are controls."""
        return sum(trial in self for trial in range(self.before + 1, self.before + trials + 1))


@lru_cache(maxsize=1024)
def _place(seed: int, group: int, every: int) -> int:
    return int(np.random.default_rng((seed, group, DRAWN)).integers(every))
