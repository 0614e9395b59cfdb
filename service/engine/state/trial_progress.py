"""Progress of one trial by its reports."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from service.ledger.records import DecisionRecord, ReportRecord, TrialRecord
from service.policy.limits import Reached
from service.policy.observation import Observation
from service.spec.models import Metric
from service.states import VerdictKind, is_verdict


@dataclass
class TrialProgress:
    """The reports of a trial as searchers, rungs and limits read them.

    ``reported`` is the (stage, epochs done in it) of its newest report, ``budget`` its work so far in full-data epoch
    equivalents, ``curves`` the metrics of its reports by stage, oldest first, ``seconds`` its training time by stage.
    ``reached`` has the newest report of a stage where that would reach the target.
    The rest is as in `Observation`, with a key for each stage that has ended.
    """

    reported: tuple[int, int] | None = None
    budget: float = 0.0
    curves: dict[int, list[dict[str, float]]] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)
    reached: dict[int, Reached] = field(default_factory=dict)
    values: dict[int, float] = field(default_factory=dict)
    order: dict[int, int] = field(default_factory=dict)
    verdicts: dict[int, VerdictKind] = field(default_factory=dict)
    begun: dict[int, int] = field(default_factory=dict)

    def take(self, report: ReportRecord, done_in_stage: int, metric: Metric) -> None:
        """One more report, of a sweep with ``metric``."""
        stage, value = report.stage, report.metrics.get(metric.name)
        self.reached.pop(stage, None)
        if value is not None and metric.reached(value, report.stage_end):
            self.reached[stage] = Reached(value, done_in_stage, report.stage_end)
        self.reported = (stage, done_in_stage)
        self.budget = max(report.budget, self.budget)
        self.curves.setdefault(stage, []).append(report.metrics)
        self.seconds[stage] = self.seconds.get(stage, 0.0) + report.seconds

    def end(self, report: ReportRecord, metric: str, order: int) -> None:
        """The report was the end of its stage, and the value there the ``order``-th of the sweep."""
        self.values[report.stage] = report.metrics.get(metric, math.nan)
        self.order[report.stage] = order

    def rule(self, decision: DecisionRecord) -> None:
        """A decision on the trial: the first at a rung is the verdict that fell as the value came in."""
        if is_verdict(decision.verdict) and decision.stage not in self.verdicts:
            self.verdicts[decision.stage] = decision.verdict
            if BEGUN in decision.numbers:
                self.begun[decision.stage] = decision.numbers[BEGUN]

    def observation(self, trial: TrialRecord) -> Observation:
        """What a policy may know of the trial, whose row is ``trial``; a copy."""
        return Observation(
            trial.number,
            trial.config,
            trial.state,
            dict(self.values),
            {stage: self.seconds[stage] for stage in self.values},
            dict(self.order),
            {stage: verdict for stage, verdict in self.verdicts.items() if stage in self.values},
            {stage: begun for stage, begun in self.begun.items() if stage in self.values},
        )


BEGUN = "begun"
"""Key of a decision's numbers: how many trials had begun when it fell."""
