"""Replay of what happened before this head: into the trial log, and into the policy of a round."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.engine.head.trial_log import TrialLog
from service.ledger.records import DecisionRecord, ReportRecord
from service.policy.policy import Policy
from service.spec import Spec
from service.states import TRIAL_CUT_SHORT


@dataclass(frozen=True)
class History:
    """All reports and decisions of a sweep, each in the order in which they came."""

    reports: Sequence[ReportRecord]
    decisions: Sequence[DecisionRecord]


def remember(trial_log: TrialLog, spec: Spec, history: History) -> None:
    """Show ``trial_log`` the whole ``history`` of the sweep of ``spec``."""
    for report in history.reports:
        trial_log.remember(report, spec.metric, _done(trial_log, spec, report))
    for decision in history.decisions:
        trial_log.recall(decision)


def rebuild(policy: Policy, trial_log: TrialLog, spec: Spec, history: History, before: int) -> None:
    """Replay the events of trials after number ``before`` to ``policy``, in their old order; ``spec`` is the sweep's.

    Every value has its verdict among the decisions, which so tell where among the values a promotion came. A trial
    begins before its first report or that of a later one; losses come last. ``trial_log`` has been shown all.
    """
    replay = _Replay(policy, trial_log, history.decisions, before)
    for report in history.reports:
        if report.trial > before:
            replay.show(report, _done(trial_log, spec, report), report.metrics.get(spec.metric.name))
    replay.end()
    for row in trial_log.trials.values():
        if row.state in TRIAL_CUT_SHORT and row.number > before:
            policy.drop(row.number)


def _done(trial_log: TrialLog, spec: Spec, report: ReportRecord) -> int:
    row = trial_log.trials[report.trial]
    plan = spec.plans[spec.plan_number(row.round)].without(row.skipped)
    return report.epoch - plan.first_epoch(report.stage)


class _Replay:
    """Shows a policy reports one by one, and before each whatever else came before it."""

    def __init__(self, policy: Policy, trial_log: TrialLog, decisions: Sequence[DecisionRecord], before: int) -> None:
        self._policy = policy
        self._trial_log = trial_log
        self._decisions = [decision for decision in decisions if decision.trial > before]
        self._verdicts: dict[tuple[int, int], int] = {}
        self._promotions: dict[tuple[int, int], int] = {}
        for place, decision in enumerate(self._decisions):
            places = self._promotions if decision.verdict == "promote" else self._verdicts
            places.setdefault((decision.trial, decision.stage), place)
        self._shown = 0
        self._waiting = sorted((number for number in trial_log.trials if number > before), reverse=True)

    def show(self, report: ReportRecord, done: int, value: float | None) -> None:
        """The next report, after ``done`` epochs of its stage; ``value`` is that of the sweep's metric."""
        trial, stage = report.trial, report.stage
        self._begin(trial)
        earlier = [self._promotions.get((trial, below), -1) for below in range(stage)]
        self._promote(max(earlier, default=-1) + 1)
        if report.stage_end:
            place = self._verdicts.get((trial, stage))
            self._promote(place or 0)
            self._policy.judge(trial, stage, value, self._trial_log.track(trial).seconds[stage])
            if place is not None and self._decisions[place].verdict == "pause":
                self._policy.paused(trial, stage)
        else:
            self._policy.watch(trial, stage, done, value)

    def end(self) -> None:
        """The events after the last report."""
        self._promote(len(self._decisions))
        self._begin(max(self._waiting, default=0))

    def _begin(self, trial: int) -> None:
        while self._waiting and self._waiting[-1] <= trial:
            self._policy.begin(self._waiting.pop())

    def _promote(self, until: int) -> None:
        for decision in self._decisions[self._shown : until]:
            if decision.verdict == "promote":
                self._policy.promoted(decision.trial, decision.stage)
        self._shown = max(self._shown, until)
