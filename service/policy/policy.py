"""`Policy`: searcher and scheduler of one round of a sweep (Ray Tune: ``search_alg`` and ``scheduler``).

Heads and simulations drive the same one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.policy import limits, schedule, search
from service.policy.limits import UNLIMITED, Left
from service.policy.observation import Observation
from service.policy.schedule.ascent import Ascent
from service.policy.search.proposal import propose
from service.policy.search.warm_start.first_trials import openings
from service.policy.search.warm_start.past import Past
from service.policy.search.warm_start.past_model import PastModel
from service.policy.verdict import Ruling, Verdict
from service.policy.worth.controls import Controls
from service.policy.worth.worth_tracker import WorthTracker
from service.spec import Spec


@dataclass(frozen=True)
class Job:
    """The next job of a free slot: a new trial, or a waiting one that is promoted.

    A new trial has its flat ``config`` and ``origin`` (initial, warm:NAME, or the searcher's name); a promoted one has
    the ``ruling`` with the reason. ``skipped`` are later stages that the trial will not train.
    """

    trial: int
    config: Mapping[str, Any] | None = None
    origin: str = ""
    ruling: Ruling | None = None
    skipped: tuple[int, ...] = ()


class Policy:
    """Searcher and scheduler of one round, whose spec is ``spec``.

    Its state is a function of the events it was given: trials that began, values at the ends of stages, promotions. A
    new head replays them from the ledger in their old order.

    ``foreign`` is the user's own Tune ``Searcher`` class, if the spec names one. ``past`` are the trials of earlier
    rounds: new trials get the numbers after theirs, while the searcher counts those of this round alone. ``lessons``
    are the trials of other sweeps to learn from (warm start). The attribute ``worths`` has what is known of each stage.
    """

    def __init__(
        self,
        spec: Spec,
        foreign: type | None = None,
        past: Sequence[Observation] = (),
        lessons: Sequence[Past] = (),
    ) -> None:
        self._spec = spec
        learned = [PastModel(one, spec) for one in lessons]
        self._searcher = search.create(spec, foreign, learned)
        self._warm = openings(spec, learned)
        self.worths = WorthTracker(spec, Controls.of(spec, max((o.trial for o in past), default=0)))
        self._rungs = schedule.create(spec, self.worths)
        self._ascent = Ascent(spec)
        self._exhausted = False
        self._before = max((o.trial for o in past), default=0)

    def begin(self, trial: int) -> None:
        """Record that a trial begins; trials begin in the order of their numbers (Tune: ``on_trial_add``)."""
        self._rungs.begin(trial)

    def judge(self, trial: int, stage: int, value: float | None, seconds: float) -> Verdict:
        """The verdict (continue, pause, stop, finish) at the end of ``stage`` (Tune: ``on_trial_result``).

        ``seconds`` is the time that training the stage took. A ``value`` that is None, NaN or infinite stops the trial.
        """
        metric, last = self._spec.metric.name, self._spec.plan.last
        if value is None or not math.isfinite(value):
            self._rungs.drop(trial)
            return Verdict("stop", f"stopped after stage {stage}: {metric} is {value}, not a number")
        self.worths.observe(trial, stage, value, seconds)
        self._ascent.observe(stage, seconds)
        verdict = self._rungs.judge(trial, stage, value, seconds)
        if stage == last:
            return Verdict("finish", f"finished the last stage with {metric} {value:.6g}", verdict.numbers)
        return verdict

    def watch(self, trial: int, stage: int, done: int, value: float | None) -> Verdict | None:
        """The verdict (stop) after ``done`` epochs of ``stage``, before its end; None to train on."""
        if value is None or not math.isfinite(value):
            return None  # A metric may be missing in some epochs; at the end of the stage `judge` stops the trial.
        return self._rungs.watch(trial, stage, done, value)

    def paused(self, trial: int, stage: int) -> None:
        """Show that a trial was left to wait at its rung, also where a longer sweep would have let it go on."""
        self._rungs.paused(trial, stage)

    def promoted(self, trial: int, stage: int) -> None:
        """Record a promotion, as read from the ledger."""
        self._rungs.promoted(trial, stage)

    def drop(self, trial: int) -> None:
        """Record that a trial failed: it leaves its rung or bracket (Tune: ``on_trial_error``)."""
        self._rungs.drop(trial)

    def dismissals(self, over: bool = False) -> Sequence[Ruling]:
        """Stop verdicts on waiting trials; with ``over`` on all that wait, as the sweep has ended."""
        return self._rungs.dismissals(over)

    def next(self, table: Sequence[Observation], left: Left = UNLIMITED) -> Job | None:
        """The next job of a free slot (Tune: ``choose_trial_to_run``); None until another trial reports, or for good.

        ``table`` has every trial of this round, ``left`` is what remains of a budget of time or work. A waiting trial
        that may be promoted comes first, then a new one; with a target or such a budget a good waiting trial may come
        before that.
        Once no new trial may begin and none is training, the rungs are drained, so that some trial reaches the last
        stage.
        """
        running = any(o.running for o in table)
        ruling = self._rungs.promotion(draining=False) or self._ahead(table) or self._instead(table, left)
        if ruling is None:
            job = self._new(table)
            if job is not None or running:
                return job
            ruling = self._rungs.promotion(draining=True)
        return None if ruling is None else Job(ruling.trial, ruling=ruling, skipped=self._rungs.skipped())

    def _ahead(self, table: Sequence[Observation]) -> Ruling | None:
        """The waiting trial that goes on before its rung has enough others, as a target ends the sweep.

        One at a time climbs so past the second rung, and only who is the best that ever came there: else the first
        value at the last stage comes after a power of the reduction factor of trials, and the target not before. Of
        trials in random order so few are ever the best (the logarithm of their number) that it costs little.
        """
        if self._spec.metric.target is None or any(o.running and max(o.values, default=0) > 0 for o in table):
            return None
        return self._rungs.best_waiting(range(1, self._spec.plan.last), 0.0)

    def _instead(self, table: Sequence[Observation], left: Left) -> Ruling | None:
        """The waiting trial that goes on in place of a new one, where the budget is one of work and not of trials.

        It is one that can still come to the end where a new one could not, or that waits where nothing is decided.
        """
        if left == UNLIMITED:
            return None
        able = self._ascent.within(left, table, self._rungs.skipped())
        late = -1 not in able
        return self._rungs.best_waiting([s for s in able if s >= 0 and (late or not self.worths.decides(s))], 0.5)

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
