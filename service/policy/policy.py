"""The policy of one sweep: what a free slot does next and how far each trial goes. Heads and simulations share it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.policy import limits, schedule, search
from service.policy.observation import Observation
from service.policy.search.proposal import propose
from service.policy.search.warm_start.first_trials import openings
from service.policy.search.warm_start.lesson import Lesson
from service.policy.search.warm_start.past import Past
from service.policy.verdict import Ruling, Verdict
from service.policy.worth.controls import Controls
from service.policy.worth.stage_worths import StageWorths
from service.spec import Spec


@dataclass(frozen=True)
class Job:
    """What a free slot does next: a new trial, or one that waits goes on.

    A new trial has its flat ``config`` and ``origin`` (initial, warm:NAME, or the searcher's name); for one that goes
    on ``ruling`` says why. ``skipped`` are later stages that the trial will not train.
    """

    trial: int
    config: Mapping[str, Any] | None = None
    origin: str = ""
    ruling: Ruling | None = None
    skipped: tuple[int, ...] = ()


class Policy:
    """Searcher and rungs of ``spec``, which is that of one round.

    It remembers what it was shown: trials that began, values at the ends of stages, promotions. A new head shows it
    the ledger in the old order and it goes on as if nothing had happened. ``foreign`` is the class of the searcher
    where the spec names one of the user's own. ``past`` are the trials of earlier rounds: new ones get the numbers
    after theirs, while the searcher counts those of this round alone. ``lessons`` are the pasts that it learns from,
    ``worths`` is what is known of each stage.
    """

    def __init__(
        self,
        spec: Spec,
        foreign: type | None = None,
        past: Sequence[Observation] = (),
        lessons: Sequence[Past] = (),
    ) -> None:
        self._spec = spec
        learned = [Lesson(one, spec) for one in lessons]
        self._searcher = search.create(spec, foreign, learned)
        self._warm = openings(spec, learned)
        self.worths = StageWorths(spec, Controls.of(spec, max((o.trial for o in past), default=0)))
        self._rungs = schedule.create(spec, self.worths)
        self._exhausted = False
        self._before = max((o.trial for o in past), default=0)

    def begin(self, trial: int) -> None:
        """Show a trial that starts to climb; trials begin in the order of their numbers."""
        self._rungs.begin(trial)

    def judge(self, trial: int, stage: int, value: float | None, seconds: float) -> Verdict:
        """The verdict (continue, pause, stop, finish) at the end of ``stage``; a value that is no number stops."""
        metric, last = self._spec.metric.name, self._spec.plan.last
        if value is None or not math.isfinite(value):
            self._rungs.drop(trial)
            return Verdict("stop", f"stopped after stage {stage}: {metric} is {value}, not a number")
        self.worths.observe(trial, stage, value, seconds)
        verdict = self._rungs.judge(trial, stage, value, seconds)
        if stage == last:
            return Verdict("finish", f"finished the last stage with {metric} {value:.6g}", verdict.numbers)
        return verdict

    def watch(self, trial: int, stage: int, done: int, value: float | None) -> Verdict | None:
        """A verdict (stop) after ``done`` epochs of ``stage``, before its end; None to train on."""
        if value is None or not math.isfinite(value):
            return None  # The end of the stage judges it: a metric may be missing in some epochs.
        return self._rungs.watch(trial, stage, done, value)

    def promoted(self, trial: int, stage: int) -> None:
        """Show a promotion that is on record."""
        self._rungs.promoted(trial, stage)

    def drop(self, trial: int) -> None:
        """Show that a trial failed: nobody waits for it."""
        self._rungs.drop(trial)

    def dismissals(self, over: bool = False) -> Sequence[Ruling]:
        """Waiting trials that go no further; with ``over`` all that wait, as the sweep has ended."""
        return self._rungs.dismissals(over)

    def next(self, table: Sequence[Observation]) -> Job | None:
        """What a free slot does now; None when there is nothing to do until another trial reports, or at all.

        ``table`` has every trial of this round. Whoever waits and deserves to go on comes first, then a new trial. Once
        no new trial may begin and none is training, the rungs are drained: some trial always gets to the last stage.
        """
        running = any(o.running for o in table)
        ruling = self._rungs.promotion(draining=False)
        if ruling is None:
            job = self._new(table)
            if job is not None or running:
                return job
            ruling = self._rungs.promotion(draining=True)
        return None if ruling is None else Job(ruling.trial, ruling=ruling, skipped=self._rungs.skipped())

    def _new(self, table: Sequence[Observation]) -> Job | None:
        number = max((o.trial for o in table), default=self._before) - self._before + 1
        limit = limits.max_trials(self._spec)
        if self._exhausted or (limit is not None and number > limit):
            return None
        try:
            seen = [o.after(self._before) for o in table]
            proposal = propose(self._spec, self._searcher, number, seen, self._warm)
        except search.NotYet:
            return None
        if proposal is None:
            self._exhausted = True
            return None
        self._rungs.begin(self._before + number)
        return Job(self._before + number, proposal.config, proposal.origin, skipped=self._rungs.skipped())
