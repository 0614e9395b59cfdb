"""Tune's source of trials: unfinished ones under their old numbers first, then whatever the policy says."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.search import SearchAlgorithm

from cluster.errors import RayChanged
from cluster.ray_internals import tune
from service.engine.head.concurrency import Concurrency
from service.engine.head.trial_log import TrialLog
from service.engine.head.tune.no_snapshot import NoSnapshot
from service.engine.head.tune.stopper import SweepStopper
from service.engine.state.rounds import Round
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.policy import Job, Policy
from service.policy.verdict import Ruling
from service.spec.errors import SieveError

LEG = "_"
"""What a Tune trial's name has between the trial's number and its leg, from the second one on."""

Assign = Callable[[TrialRecord], dict[str, Any]]


class PolicySearchAlg(NoSnapshot, SearchAlgorithm):
    """Tune's search algorithm: hands out a trial whenever one of the slots is free.

    Without any slot, Tune's experiment ends though more comes.

    A Tune trial is one leg of a Sieve trial: a retry, a promotion, or what a killed head left, is a new Tune trial with
    the old number and config, which goes on from its checkpoint. ``over``: nothing more comes. ``assign`` turns a
    trial's row into its worker's config. Should the policy fail, the sweep does.
    """

    def __init__(
        self,
        trial_log: TrialLog,
        round: Round,
        policy: Policy,
        stopper: SweepStopper,
        concurrency: Concurrency,
        assign: Assign,
    ) -> None:
        self._trial_log = trial_log
        self._round = round
        self._plan = round.spec.plan
        self._policy = policy
        self._stopper = stopper
        self.concurrency = concurrency
        self.gpu_packing = concurrency.gpu_packing
        self._assign = assign
        self._offers = deque(n for n in trial_log.unfinished() if trial_log.trials[n].state != "PAUSED")
        self._live: set[str] = set()
        self._legs: Counter[int] = Counter()
        self._idle_since: tuple[int, int] | None = None
        self._dry = False
        self.over = False
        self._experiment: dict[str, Any] = {}

    def add_configurations(self, experiments: Any) -> None:
        [experiment] = experiments
        self._experiment = experiment.spec

    def offer(self, number: int) -> None:
        """Run an unfinished trial again, before any new one as a rule."""
        self._offers.append(number)

    def resume(self, number: int) -> None:
        """Run a trial that gave its place up, before any other."""
        self._offers.appendleft(number)

    def next_trial(self) -> Trial | None:
        trial = None if self.over or self.concurrency.free <= 0 or self.gpu_packing.waits else self._given()
        self.concurrency.wants(len(self._offers) if self._dry or self.over else None)
        return trial

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self._live.discard(trial_id)
        self.concurrency.left(number_of(trial_id))

    def is_finished(self) -> bool:
        """Whether Tune need not ask: nothing more comes, or there is no place for it.

        So it keeps no worker for another trial, whose resources are other sweeps' now. While trials run it asks this
        again and again; only without any is its experiment over, and with it all that it holds.
        """
        return (
            self.over
            or (not self._live and self.concurrency.count == 0)
            or (bool(self._live) and self.concurrency.full)
        )

    def set_finished(self) -> None:
        self.over = True
        self._offers.clear()
        for trial_id in list(self._live):
            self.on_trial_complete(trial_id)

    def save_to_dir(self, dirpath: str, **kwargs: Any) -> None:
        """Nothing to save: the ledger is the truth."""

    def _given(self) -> Trial | None:
        record = self._next() if self.gpu_packing.probing or not self._offers else None
        if record is None and self._offers:
            record = self._trial_log.trials[self._offers.popleft()]
        if record is None:
            self.over = not self._live
            return None
        try:
            trial = self._tune_trial(record)
        except RayChanged as error:
            self._stopper.fail(str(error))
            return None
        self._live.add(trial.trial_id)
        self.concurrency.taken(record.number)
        return trial

    def _next(self) -> TrialRecord | None:
        """What the policy gives a free slot; it is not asked again before something has happened."""
        now = (self._trial_log.events, len(self._live))
        if now == self._idle_since:
            return None
        try:
            job = self._policy.next(self._trial_log.table(self._round.before))
        except SieveError as error:
            self._stopper.fail(str(error))
            job = None
        self._dry = job is None
        if job is None:
            self._idle_since = now
            return None
        return self._begin(job) if job.ruling is None else self._promote(job, job.ruling)

    def _begin(self, job: Job) -> TrialRecord:
        config, skipped = dict(job.config or {}), sorted(job.skipped)
        stage = self._plan.without(skipped).next(-1)
        record = TrialRecord(
            job.trial, config, "PENDING", stage, self._round.number, origin=job.origin, skipped=skipped
        )
        self._trial_log.record(record, decisions=self.gpu_packing.begun(record, self._stopper.seconds()))
        return record

    def _promote(self, job: Job, ruling: Ruling) -> TrialRecord:
        row, verdict = self._trial_log.trials[job.trial], ruling.verdict
        plan = self._plan.without([*row.skipped, *job.skipped])
        row = replace(
            row, state="RUNNING", why=verdict.reason, stage=plan.next(ruling.stage), skipped=list(plan.skipped)
        )
        numbers, time = dict(verdict.numbers), self._stopper.seconds()
        decision = DecisionRecord(row.number, ruling.stage, verdict.kind, verdict.reason, numbers, time)
        self._trial_log.record(row, decisions=[decision])
        return row

    def _tune_trial(self, record: TrialRecord) -> Trial:
        leg = self._legs[record.number]
        self._legs[record.number] += 1
        name = f"{record.number:05d}" + (f"{LEG}{leg}" if leg else "")
        return tune.trial(self._experiment, name, self._assign(record), self.gpu_packing.request(record.number))


def number_of(trial_id: str) -> int:
    """The trial that a Tune trial is a leg of."""
    return int(trial_id.partition(LEG)[0])
