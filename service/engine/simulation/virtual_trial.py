"""A simulated trial: how far it has trained."""

from __future__ import annotations

from dataclasses import dataclass, field

from service.engine.curves import Measurement
from service.engine.state.trial_progress import TrialProgress
from service.ledger.records import ReportRecord, TrialRecord
from trainables.stages import Plan


@dataclass
class Trial:
    """The trial of that ``number`` on its way along its ``plan``: it has done ``done`` epochs of ``stage``.

    ``legs`` counts its starts, promotions and retries, ``unreported`` is the seconds trained since its last report.
    """

    number: int
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

    def send(self, row: TrialRecord) -> None:
        """Begin to climb, or go on after a wait, where its new ``row`` says."""
        self.plan = self.plan.without(row.skipped)
        self.stage, self.done = row.stage, 0

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
        seconds, self.unreported = self.unreported, 0.0
        return ReportRecord(
            trial=self.number,
            stage=self.stage,
            epoch=self.epoch,
            data=self.plan[self.stage].data,
            budget=self.plan.budget(self.stage, self.done),
            metrics=dict(measured.metrics),
            time=time,
            stage_end=self.stage_end,
            seconds=seconds,
        )
