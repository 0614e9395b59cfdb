"""The head: drives Ray Tune for exactly one sweep, as a function of its ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import ray

from cluster.connect import connect
from service.engine.checkpoints import Keeper
from service.engine.course import Course
from service.engine.journal import Journal
from service.engine.preflight import check
from service.engine.proposals import Proposals
from service.engine.pulse import Pulse
from service.engine.recorder import Recorder
from service.engine.tuning import Parts, drive
from service.ledger.home import checkpoint_folder
from service.ledger.records import SweepRecord, TrialRecord
from service.ledger.store import Store
from service.policy import schedule, search
from service.policy.limits import Ending
from service.spec import Spec, load
from service.spec.errors import UserError
from service.spec.flat import nest
from trainables.assignment import Assignment


@dataclass(frozen=True)
class Head:
    """One attempt at a sweep: ``record`` is its row as claimed, ``home`` the folder of ledger and checkpoints."""

    store: Store
    record: SweepRecord
    home: Path
    course: Course
    journal: Journal
    spec: Spec

    @classmethod
    def of(cls, store: Store, record: SweepRecord, home: Path) -> Head:
        """The head of a claimed sweep, with what its ledger says already read."""
        spec = load(record.spec)
        journal = Journal(store, record.name, record.attempt)
        return cls(store, record, home, Course(spec, journal, record.seconds), journal, spec)

    def run(self) -> Ending:
        """Run the sweep until it is over or told to end; returns how it stands, which the ledger then says too.

        Raises:
            UserError: the task or the resources that the spec asks for are not to be had.
        """
        checked = check(self.spec, self.record.project)
        with connect() as resources:
            slots = slots_of(self.spec, resources)
            shared = [] if checked.data is None else [ray.put(checked.data)]
            self._fit(shared, slots)
        return self.course.ending or self._outcome()

    def _fit(self, shared: list[Any], slots: int) -> None:
        scheduler = schedule.create(self.spec)
        self._replay(scheduler)
        searcher = search.create(
            self.spec.search.algorithm, self.spec.space, self.spec.metric.goal, self.spec.search.seed
        )
        proposals = Proposals(self.journal, self.spec, searcher, slots, self._assign)
        keeper = Keeper(self.spec, self.journal)
        recorder = Recorder(self.spec, self.journal, proposals, scheduler, self.course, keeper)
        self.course.check()
        if self.course.ending is None and not proposals.is_finished():
            self.course.begin()
            with Pulse(self.journal, keeper, self.course, self._beat) as pulse:
                logs = self.home / "tune" / f"{self.record.name}-{self.record.attempt}"
                drive(self.spec, logs, Parts(proposals, scheduler, recorder, self.course), shared)
                self._settle(keeper)
                pulse.write()

    def _replay(self, scheduler: schedule.StagedScheduler) -> None:
        """Show scheduler and journal every report in its old order: rungs and observations are as they were."""
        plan, metric = self.spec.plan, self.spec.metric.name
        for report in self.store.reports(self.record.name):
            self.journal.remember(report, metric, report.epoch - plan.first_epoch(report.stage))
            if report.stage_end:
                scheduler.replay(report.trial, report.stage, report.metrics.get(metric))

    def _assign(self, trial: TrialRecord) -> dict[str, Any]:
        return Assignment(
            config=nest(trial.config),
            trial=trial.number,
            seed=int(np.random.default_rng((self.spec.search.seed, trial.number)).integers(2**31)),
            metric=self.spec.metric.name,
            plan=self.spec.plan,
            task=self.spec.task,
            project=self.record.project,
            folder=checkpoint_folder(self.home, self.record.name) / f"{trial.number:05d}",
            reported=self.journal.reported(trial.number),
            data_seed=self.spec.search.seed,
        ).to_dict()

    def _beat(self) -> str | None:
        return self.store.beat(self.record.name, self.record.attempt, "RUNNING")

    def _settle(self, keeper: Keeper) -> None:
        """Trials that were cut short wait for the next head, or end with the sweep."""
        ending = self.course.ending
        if ending is None:
            return
        for number in self.journal.unfinished():
            if ending.state == "PAUSED":
                self.journal.change(number, state="PENDING", why=ending.why)
            else:
                state = "CANCELLED" if ending.state == "CANCELLED" else "STOPPED"
                keeper.ended(self.journal.change(number, state=state, why=f"the sweep ended: {ending.why}"))

    def _outcome(self) -> Ending:
        states = [t.state for t in self.journal.trials.values()]
        done = states.count("FINISHED")
        if done or not states or "STOPPED" in states:
            return Ending("SUCCEEDED", f"{len(states)} trials, {done} climbed every stage")
        error = self.journal.trials[max(self.journal.trials)].why
        cure = f"mend the cause, then `sieve rm {self.record.name}` and run it again"
        return Ending("FAILED", f"all {len(states)} trials failed, the last with: {error}; {cure}")


def slots_of(spec: Spec, resources: Mapping[str, float]) -> int:
    """How many trials run at once: as many as fit the cluster, at most ``resources.max_concurrent``.

    Raises:
        UserError: not even one trial fits.
    """
    asked = {"CPU": spec.resources.cpu, "GPU": spec.resources.gpu}
    for name, amount in asked.items():
        if amount > resources.get(name, 0.0):
            raise UserError(
                f"a trial asks for {amount:g} {name}, the cluster has {resources.get(name, 0.0):g}",
                f"lower resources.{name.lower()} or join a larger cluster with RAY_ADDRESS",
            )
    fit = min(int(resources[name] // amount) for name, amount in asked.items() if amount > 0)
    return min(fit, spec.resources.max_concurrent or fit)
