"""The head: drives Ray Tune for exactly one sweep, as a function of its ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import ray

from cluster.connect import connect
from service.engine.fleet.nodes import told
from service.engine.head.assignments import Assignments
from service.engine.head.heartbeat import Heartbeat
from service.engine.head.peak_memory import peak_memory
from service.engine.head.resources.concurrency import Concurrency
from service.engine.head.round_runner import RoundRunner
from service.engine.head.stopper import SweepStopper
from service.engine.head.sweep_rounds import SweepRounds
from service.engine.head.trial_log import TrialLog
from service.engine.head.trial_resources import TrialResources
from service.engine.head.tune.plugins import PluginFactory
from service.engine.head.tune.tuner import TuneRun
from service.engine.preflight import Checked
from service.engine.preflight.look import check
from service.ledger.ledger import Ledger
from service.ledger.records import SweepRecord
from service.policy.limits import Ending, outcome
from service.spec import Spec, load


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
        """The head of a claimed sweep, its trials already read from the ledger."""
        spec = load(record.spec)
        trial_log = TrialLog(ledger, record.name, record.attempt)
        return cls(ledger, record, home, SweepStopper(spec, trial_log, record.seconds), trial_log, spec)

    def run(self) -> Ending:
        """Run the sweep until it is over or told to end; returns how it stands, which the ledger then says too.

        Raises:
            UserError: the task cannot be loaded, or the cluster lacks the resources that the spec asks for.
        """
        with told(), connect() as resources:
            checked = check(self.spec, self.record.project)
            decisions = self.ledger.decisions(self.record.name)
            rounds = SweepRounds(self.ledger, self.record, self.spec, self.trial_log, self.stopper, decisions)
            measure = partial(peak_memory, self.spec, self.record.project, self._heartbeat())
            share = TrialResources.of(self.spec, self.trial_log, self.stopper, decisions, resources, measure)
            self.stopper.check()
            self.stopper.begin()
            runner = self._runner(share, checked)
            for round in rounds:
                runner.run(round, rounds.policy(round))
        return self.stopper.ending or self._outcome()

    def _heartbeat(self, concurrency: Concurrency | None = None) -> Heartbeat:
        renew = partial(self.ledger.beat, self.record.name, self.record.attempt)
        return Heartbeat(self.spec, self.trial_log, self.stopper, renew, concurrency)

    def _runner(self, share: TrialResources, checked: Checked) -> RoundRunner:
        shared = [] if checked.data is None else [_reference(checked.data)]
        assignments = Assignments(self.spec, self.record.project, self.home, self.trial_log)
        plugins = PluginFactory(self.trial_log, self.stopper, share, assignments)
        logs = self.home / "tune" / f"{self.record.name}-{self.record.attempt}"
        tune = TuneRun(logs, shared, share.concurrency)
        return RoundRunner(self.trial_log, self.stopper, self._heartbeat(share.concurrency), plugins, tune)

    def _outcome(self) -> Ending:
        """How the sweep has ended by its trials, its search being over."""
        trials = self.trial_log.trials
        last = trials[max(trials)].why if trials else ""
        ending = outcome(self.spec, [row.state for row in trials.values()], last)
        if ending.state != "FAILED":
            return ending
        return replace(ending, why=f"{ending.why}; mend the cause, then `sieve rm {self.record.name}` and run it again")


def _reference(data: Any) -> Any:
    """A reference to ``data`` for the workers, which may be one already."""
    return data if isinstance(data, ray.ObjectRef) else ray.put(data)
