"""The worth of every stage of a sweep, updated as values come in."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from statistics import median_high

from service.policy.worth.controls import Controls
from service.policy.worth.rank_correlation import measure
from service.policy.worth.stage_worth import FEWEST, PRIOR, Rung, StageWorth, appraise, correlation, shrunk
from service.spec import Spec


class WorthTracker:
    """Online estimate of the worth of each stage but the last, from the values at the ends of stages.

    Its rank correlation with the last one is measured on the ``controls``. The rule decides by the agreement of all
    trials that ended both, and until there are enough of these by that with the next stage times that of the next with
    the last.
    """

    def __init__(self, spec: Spec, controls: Controls | None = None) -> None:
        self.controls = controls or Controls(None)
        self._sign = 1.0 if spec.metric.goal == "maximize" else -1.0
        self._factor = spec.schedule.reduction_factor
        self._plan = spec.plan
        self._rungs = [Rung() for _ in spec.plan.stages]
        self._weighed: dict[int, int] = {}
        self.known: dict[int, StageWorth] = {}
        self._news: set[int] = set()

    def observe(self, trial: int, stage: int, value: float, seconds: float) -> None:
        """Record a finite value and the seconds that training its stage took."""
        rung = self._rungs[stage]
        rung.scores[trial] = self._sign * value
        rung.seconds[trial] = seconds + self._before(trial, stage)
        if self._is_news(stage):
            self._weigh()

    def decides(self, stage: int) -> bool:
        """Whether decisions at the end of ``stage`` pay; True until the values show otherwise."""
        return stage not in self.known or self.known[stage].decides

    def tells(self, stage: int) -> bool:
        """Whether the values show that decisions at the end of ``stage`` pay; False until they do."""
        return stage in self.known and self.known[stage].pairs >= FEWEST and self.known[stage].decides

    def skipped(self) -> tuple[int, ...]:
        """Stages that new trials skip: their rungs do not pay, and the next stage has fresh weights anyway."""
        return tuple(s for s in range(self._plan.last) if self._is_skipped(s))

    def news(self) -> list[tuple[int, StageWorth]]:
        """(stage, worth) of the estimates that are new since the last call."""
        news = [(stage, self.known[stage]) for stage in sorted(self._news) if self.known[stage].pairs]
        self._news.clear()
        return news

    def _is_skipped(self, stage: int) -> bool:
        return self._plan[stage + 1].start == "fresh" and not self.decides(stage)

    def _before(self, trial: int, stage: int) -> float:
        """Seconds that training the trial's weights took before ``stage``."""
        if stage == 0 or self._plan[stage].start == "fresh":
            return 0.0
        return max((rung.seconds.get(trial, 0.0) for rung in self._rungs[:stage]), default=0.0)

    def _is_news(self, stage: int) -> bool:
        """Whether to estimate again: after each value at first, then whenever ``stage`` has a twentieth more."""
        count = len(self._rungs[stage].scores)
        if count < self._weighed.get(stage, 0) * 1.05:
            return False
        self._weighed[stage] = count
        return True

    def _weigh(self) -> None:
        trained = [s for s in range(len(self._rungs)) if s == self._plan.last or not self._is_skipped(s)]
        last, onward = self._rungs[-1], 1.0
        for here, after in reversed(list(pairwise(trained))):
            stage, following = self._rungs[here], self._rungs[after]
            fresh = self._plan[after].start == "fresh"
            cost, needed, adjacent = appraise(stage, following, self._factor, fresh)
            prior = PRIOR if after == self._plan.last else adjacent * onward
            known = shrunk(prior, correlation(stage.scores, last.scores))
            fair = measure(self._fair(stage), last.scores)
            pairs = sum(trial in following.scores for trial in stage.scores)
            times = _median(stage.seconds), _median(following.seconds)
            self.known[here] = StageWorth(fair, known, pairs, cost, needed, *times)
            self._news.add(here)
            onward = known

    def _fair(self, rung: Rung) -> dict[int, float]:
        """The scores of the controls."""
        return {trial: score for trial, score in rung.scores.items() if trial in self.controls}


def _median(seconds: Mapping[int, float]) -> float:
    return median_high(seconds.values()) if seconds else 0.0
