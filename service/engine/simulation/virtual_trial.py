"""A simulated trial: its row in the ledger, and where its weights are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from service.engine.curves import Measurement
from service.engine.state.trial_progress import TrialProgress
from service.ledger.records import ReportRecord, TrialRecord
from service.policy.observation import Observation
from trainables.stages import Plan


@dataclass
class Trial:
    """One config being trained along its ``plan``: it has done ``done`` epochs of ``stage``.

    ``legs`` counts its starts, promotions and retries, ``unreported`` is the seconds trained since its last report.
    """

    row: TrialRecord
    plan: Plan
    track: TrialProgress = field(default_factory=TrialProgress)
    stage: int = -1
    done: int = 0
    legs: int = 0
    unreported: float = 0.0

    @property
    def epoch(self) -> int:
        """Epochs that its weights have seen."""
        return self.plan.first_epoch(self.stage) + self.done

    @property
    def stage_end(self) -> bool:
        """Whether it has trained its stage in full."""
        return self.done == self.plan[self.stage].epochs

    def send(self, skipped: Iterable[int]) -> None:
        """Begin to climb, or go on after a wait, leaving out the stages ``skipped`` as well."""
        self.plan = self.plan.without(skipped)
        self.advance()
        self.row = replace(self.row, stage=self.stage, skipped=list(self.plan.skipped))

    def advance(self) -> None:
        """Go to the next stage that it trains."""
        self.stage, self.done = self.plan.next(self.stage), 0

    def train(self, measured: Measurement) -> None:
        """One more epoch is done."""
        self.done += 1
        self.unreported += measured.seconds

    def rewind(self) -> None:
        """Back to its last report: what was trained since is lost."""
        stage, done = self.track.reported or (-1, 0)
        self.done = done if stage == self.stage else 0
        self.unreported = 0.0

    def report(self, measured: Measurement, time: float) -> ReportRecord:
        """Hand in the epoch that it has just trained."""
        return ReportRecord(
            trial=self.row.number,
            stage=self.stage,
            epoch=self.epoch,
            data=self.plan[self.stage].data,
            budget=self.plan.budget(self.stage, self.done),
            metrics=dict(measured.metrics),
            time=time,
            stage_end=self.stage_end,
            seconds=self.unreported,
        )

    def observation(self) -> Observation:
        """What the policy may know of it."""
        return self.track.observation(self.row)
