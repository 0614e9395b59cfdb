"""The head: drives Ray Tune for exactly one sweep, as a function of its ledger."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import ray
from ray.exceptions import RayError

from cluster.connect import connect, is_joined
from cluster.inventory import joined
from service.engine.fleet.capacity import smallest_gpu
from service.engine.head.checkpoint_retention import CheckpointRetention
from service.engine.head.concurrency import Concurrency
from service.engine.head.dashboard_metrics import DashboardMetrics
from service.engine.head.dismissals import Dismissals
from service.engine.head.failure_guard import KINDS as BLAMES
from service.engine.head.failure_guard import FailureGuard
from service.engine.head.gpu_packing import KINDS, GpuPacking
from service.engine.head.heartbeat import Heartbeat
from service.engine.head.replay import History, rebuild, remember
from service.engine.head.trial_log import TrialLog
from service.engine.head.tune.callback import LedgerCallback
from service.engine.head.tune.scheduler import PolicyScheduler
from service.engine.head.tune.search_alg import PolicySearchAlg
from service.engine.head.tune.stopper import SweepStopper
from service.engine.head.tune.tuner import TunePlugins, drive
from service.engine.preflight import check
from service.engine.preflight.examination import measured
from service.engine.state.rounds import Round, goes_on, opening, spec_of_round
from service.engine.state.user_searcher import foreign
from service.engine.state.warm_start import earlier, taught
from service.ledger.home import checkpoint_folder
from service.ledger.ledger import Ledger, Orders
from service.ledger.records import Batch, SweepRecord, TrialRecord
from service.policy.limits import Ending, outcome
from service.policy.observation import Observation
from service.policy.policy import Policy
from service.policy.search.warm_start.past import Past
from service.policy.verdict import STATES
from service.spec import Spec, load
from service.spec.errors import SieveError
from service.spec.flat import nest
from trainables.datasets.downloads import data_folder
from trainables.loop.assignment import Assignment


@dataclass(frozen=True)
class Head:
    """One attempt at a sweep: ``record`` is its row as claimed, ``home`` the folder of ledger and checkpoints."""

    ledger: Ledger
    record: SweepRecord
    home: Path
    stopper: SweepStopper
    trial_log: TrialLog
    spec: Spec

    @classmethod
    def of(cls, ledger: Ledger, record: SweepRecord, home: Path) -> Head:
        """The head of a claimed sweep, with what its ledger says already read."""
        spec = load(record.spec)
        trial_log = TrialLog(ledger, record.name, record.attempt)
        return cls(ledger, record, home, SweepStopper(spec, trial_log, record.seconds), trial_log, spec)

    def run(self) -> Ending:
        """Run the sweep until it is over or told to end; returns how it stands, which the ledger then says too.

        Raises:
            UserError: the task or the resources that the spec asks for are not to be had.
        """
        checked = check(self.spec, self.record.project)
        with connect() as resources:
            decisions = self.ledger.decisions(self.record.name)
            shares = [decision for decision in decisions if decision.verdict in KINDS]
            gpu_packing = GpuPacking(self.spec, resources, shares, self._peak, smallest_gpu)
            shared = [] if checked.data is None else [ray.put(checked.data)]
            verdicts = [decision for decision in decisions if decision.verdict in STATES]
            history = History(self.ledger.reports(self.record.name), verdicts)
            remember(self.trial_log, self.spec, history)
            blames = [decision for decision in decisions if decision.verdict in BLAMES]
            guard = FailureGuard(self.spec, self.trial_log, self.stopper, gpu_packing, blames, joined)
            self.stopper.check()
            self.stopper.begin()
            concurrency = Concurrency(self.trial_log, gpu_packing)
            metrics_feed = (
                DashboardMetrics(self.spec, self.trial_log, lambda: concurrency.count) if is_joined() else None
            )
            newest = max((trial.round for trial in self.trial_log.trials.values()), default=0)
            round: Round | None = self._round(newest)
            while round is not None and self.stopper.ending is None:
                self._fit(round, history, shared, guard, concurrency, metrics_feed)
                round = self._following(round)
        return self.stopper.ending or self._outcome()

    def _peak(self) -> int | None:
        """Memory of a GPU that a trial takes; None where it cannot be measured, which need not end the sweep."""
        with Heartbeat(self.trial_log, CheckpointRetention(self.spec, self.trial_log, 0), self.stopper, self._beat):
            try:
                return measured(self.spec, self.record.project).peak_bytes
            except (SieveError, RayError):
                return None

    def _round(self, number: int) -> Round:
        before = sum(trial.round < number for trial in self.trial_log.trials.values())
        return Round(number, spec_of_round(self.spec, number, self.ledger.spaces(self.record.name), before), before)

    def _following(self, round: Round) -> Round | None:
        """The next round, its space in the ledger; None if the sweep is over."""
        name, table, number = self.record.name, self.trial_log.table(round.before), round.number + 1
        if self.stopper.ending or not goes_on(self.spec, round.number, len(self.trial_log.trials), table):
            return None
        space = opening(self.spec, number, self.ledger.spaces(name), table, self.stopper.seconds())
        try:
            if space is not None:
                self.ledger.append(name, self.record.attempt, Batch(spaces=[space]))
        except SieveError as error:
            self.stopper.pause(str(error))
            return None
        return self._round(number)

    def _fit(
        self,
        round: Round,
        history: History,
        shared: list[Any],
        guard: FailureGuard,
        concurrency: Concurrency,
        metrics_feed: DashboardMetrics | None,
    ) -> None:
        spec, past = round.spec, self.trial_log.table()[: round.before]
        policy = Policy(spec, foreign(spec, self.record.project), past, self._lessons(past))
        rebuild(policy, self.trial_log, self.spec, history, round.before)
        policy.worths.news()  # What the old head knew is on record.
        retention = CheckpointRetention(self.spec, self.trial_log, round.number)
        dismissals = Dismissals(policy, self.trial_log, retention, self.stopper)
        dismissals.record(policy.dismissals())
        scheduler = PolicyScheduler(policy, self.trial_log, spec, concurrency)
        assign = partial(self._assign, round)
        search_alg = PolicySearchAlg(self.trial_log, round, policy, self.stopper, concurrency, assign)
        callback = LedgerCallback(spec, self.trial_log, search_alg, scheduler, guard, dismissals)
        with Heartbeat(
            self.trial_log, retention, self.stopper, partial(self._beat, concurrency), metrics_feed
        ) as heartbeat:
            heartbeat.beat()
            logs = self.home / "tune" / f"{self.record.name}-{self.record.attempt}"
            logs = logs if round.number == 0 else logs.with_name(f"{logs.name}-round-{round.number}")
            drive(spec, logs, TunePlugins(search_alg, scheduler, callback, self.stopper), shared)
            self._settle(retention, dismissals)
            heartbeat.write()

    def _lessons(self, past: Sequence[Observation]) -> list[Past]:
        rounds: dict[int, list[Observation]] = {}
        for observation in past:
            rounds.setdefault(self.trial_log.trials[observation.trial].round, []).append(observation)
        return [*taught(self.spec, self.ledger.pasts(self.record.name)), *earlier(self.spec, rounds)]

    def _assign(self, round: Round, trial: TrialRecord) -> dict[str, Any]:
        data_dir = self.spec.data_dir  # A worker finds it as the head does: by the project folder that it has.
        if data_dir is None and (folder := data_folder(None, self.record.project)) is not None:
            data_dir = str(folder)
        return Assignment(
            config=nest(trial.config),
            trial=trial.number,
            seed=int(np.random.default_rng((self.spec.search.seed, trial.number)).integers(2**31)),
            metric=self.spec.metric.name,
            plan=round.spec.plan,
            task=self.spec.task,
            project=self.record.project,
            folder=checkpoint_folder(self.home, self.record.name) / f"{trial.number:05d}",
            reported=self.trial_log.track(trial.number).reported,
            data_seed=self.spec.search.seed,
            skipped=tuple(trial.skipped),
            data_dir=data_dir,
        ).to_dict()

    def _beat(self, concurrency: Concurrency | None = None) -> Orders:
        needs = None if concurrency is None else concurrency.needs()
        state = "RUNNING" if self.stopper.ending is None else None
        orders = self.ledger.beat(self.record.name, self.record.attempt, state, needs)
        if concurrency is not None:
            concurrency.obey(orders)
        return orders

    def _settle(self, retention: CheckpointRetention, dismissals: Dismissals) -> None:
        """What was cut short waits for the next head, or ends with the sweep, as does whoever waits at a rung."""
        ending = self.stopper.ending
        if ending is None:
            dismissals.over()
            return
        for number in self.trial_log.unfinished():
            if ending.state not in ("PAUSED", "QUEUED"):
                state = "CANCELLED" if ending.state == "CANCELLED" else "STOPPED"
                why = f"the sweep ended: {ending.why}"
                retention.ended(self.trial_log.change(number, state=state, why=why, finished=time.time()))
            elif self.trial_log.trials[number].state != "PAUSED":
                self.trial_log.change(number, state="PENDING", why=ending.why)

    def _outcome(self) -> Ending:
        trials = self.trial_log.trials
        last = trials[max(trials)].why if trials else ""
        ending = outcome(self.spec, [t.state for t in trials.values()], last)
        if ending.state != "FAILED":
            return ending
        return replace(ending, why=f"{ending.why}; mend the cause, then `sieve rm {self.record.name}` and run it again")
