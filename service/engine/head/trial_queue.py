"""The trials that are to run next: unfinished ones under their old numbers, and whatever the policy says."""

from __future__ import annotations

from collections import deque

from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.engine.state.rounds import Round
from service.engine.state.trial_steps import begun, decision, promoted
from service.ledger.records import TrialRecord
from service.policy.policy import Job, Policy
from service.policy.verdict import Ruling
from service.spec.errors import SieveError


class TrialQueue:
    """Hands out one trial after another, its row in the log. Should the policy fail, the sweep does.

    At first it holds what an earlier head left unfinished, but for those that wait at a rung: the policy promotes them.
    """

    def __init__(
        self, round: Round, policy: Policy, trial_log: TrialLog, gpu_packing: GpuPacking, stopper: SweepStopper
    ) -> None:
        self._round = round
        self._policy = policy
        self._trial_log = trial_log
        self._gpu_packing = gpu_packing
        self._stopper = stopper
        self._numbers = deque(n for n in trial_log.unfinished() if trial_log.trials[n].state != "PAUSED")
        self._idle_since: tuple[int, int] | None = None
        self._dry = False

    @property
    def waiting(self) -> int | None:
        """How many trials wait for a slot; None: the policy may have something for any number of slots."""
        return len(self._numbers) if self._dry else None

    def append(self, number: int) -> None:
        """Run an unfinished trial again, before any new one as a rule."""
        self._numbers.append(number)

    def push_front(self, number: int) -> None:
        """Run a trial that gave its place up, before any other."""
        self._numbers.appendleft(number)

    def fail(self, why: str) -> None:
        """Let the sweep fail: no trial can be handed out."""
        self._stopper.fail(why)

    def close(self) -> None:
        """Hand out nothing more."""
        self._numbers.clear()
        self._dry = True

    def next(self, live: int) -> TrialRecord | None:
        """The trial for a free slot while ``live`` others train; None: nothing until another reports, or at all.

        While a node may be bad, new trials go before those that are tried again.
        """
        row = self._new(live) if self._gpu_packing.probing or not self._numbers else None
        if row is None and self._numbers:
            row = self._trial_log.trials[self._numbers.popleft()]
        return row

    def _new(self, live: int) -> TrialRecord | None:
        """The policy's next job for a free slot, asked for again only after a new event."""
        now = (self._trial_log.events, live)
        if now == self._idle_since:
            return None
        try:
            job = self._policy.next(self._trial_log.table(self._round.before), self._stopper.left())
        except SieveError as error:
            self._stopper.fail(str(error))
            job = None
        self._dry = job is None
        if job is None:
            self._idle_since = now
            return None
        return self._begin(job) if job.ruling is None else self._promote(job, job.ruling)

    def _begin(self, job: Job) -> TrialRecord:
        row = begun(job, self._round)
        self._trial_log.record(row, decisions=self._gpu_packing.begun(row, self._stopper.seconds()))
        return row

    def _promote(self, job: Job, ruling: Ruling) -> TrialRecord:
        row = promoted(self._trial_log.trials[job.trial], job, ruling, self._round)
        fell = decision(row.number, ruling.stage, ruling.verdict, self._stopper.seconds())
        self._trial_log.record(row, decisions=[fell])
        return row
