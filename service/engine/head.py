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
from service.engine.checkpoints import Keeper
from service.engine.course import Course
from service.engine.departures import Departures
from service.engine.gauges import Gauges
from service.engine.guard import KINDS as BLAMES
from service.engine.guard import Guard
from service.engine.journal import Journal
from service.engine.lessons import earlier, taught
from service.engine.nodes import told
from service.engine.preflight import check
from service.engine.preflight.examination import measured
from service.engine.proposals import Proposals
from service.engine.pulse import Pulse
from service.engine.rebuild import History, rebuild, remember
from service.engine.recorder import Recorder
from service.engine.room import smallest_gpu
from service.engine.rounds import Round, goes_on, opening, spec_of_round
from service.engine.searchers import foreign
from service.engine.sharing import KINDS, Sharing
from service.engine.slots import Slots
from service.engine.tuning import Parts, drive
from service.engine.verdicts import Verdicts
from service.ledger.home import checkpoint_folder
from service.ledger.ledger import Ledger, Orders
from service.ledger.records import Batch, SweepRecord, TrialRecord
from service.policy.limits import Ending, outcome
from service.policy.observation import Observation
from service.policy.policy import Policy
from service.policy.search.past import Past
from service.policy.verdict import STATES
from service.spec import Spec, load
from service.spec.errors import SieveError
from service.spec.flat import nest
from trainables.assignment import Assignment
from trainables.sources import data_folder


@dataclass(frozen=True)
class Head:
    """One attempt at a sweep: ``record`` is its row as claimed, ``home`` the folder of ledger and checkpoints."""

    ledger: Ledger
    record: SweepRecord
    home: Path
    course: Course
    journal: Journal
    spec: Spec

    @classmethod
    def of(cls, ledger: Ledger, record: SweepRecord, home: Path) -> Head:
        """The head of a claimed sweep, with what its ledger says already read."""
        spec = load(record.spec)
        journal = Journal(ledger, record.name, record.attempt)
        return cls(ledger, record, home, Course(spec, journal, record.seconds), journal, spec)

    def run(self) -> Ending:
        """Run the sweep until it is over or told to end; returns how it stands, which the ledger then says too.

        Raises:
            UserError: the task or the resources that the spec asks for are not to be had.
        """
        checked = check(self.spec, self.record.project)
        with told(), connect() as resources:
            decisions = self.ledger.decisions(self.record.name)
            shares = [decision for decision in decisions if decision.verdict in KINDS]
            sharing = Sharing(self.spec, resources, shares, self._peak, smallest_gpu)
            shared = [] if checked.data is None else [ray.put(checked.data)]
            verdicts = [decision for decision in decisions if decision.verdict in STATES]
            history = History(self.ledger.reports(self.record.name), verdicts)
            remember(self.journal, self.spec, history)
            blames = [decision for decision in decisions if decision.verdict in BLAMES]
            guard = Guard(self.spec, self.journal, self.course, sharing, blames, joined)
            self.course.check()
            self.course.begin()
            slots = Slots(self.journal, sharing)
            gauges = Gauges(self.spec, self.journal, lambda: slots.count) if is_joined() else None
            newest = max((trial.round for trial in self.journal.trials.values()), default=0)
            round: Round | None = self._round(newest)
            while round is not None and self.course.ending is None:
                self._fit(round, history, shared, guard, slots, gauges)
                round = self._following(round)
        return self.course.ending or self._outcome()

    def _peak(self) -> int | None:
        """Memory of a GPU that a trial takes; None where it cannot be measured, which need not end the sweep."""
        with Pulse(self.journal, Keeper(self.spec, self.journal, 0), self.course, self._beat):
            try:
                return measured(self.spec, self.record.project).peak_bytes
            except (SieveError, RayError):
                return None

    def _round(self, number: int) -> Round:
        before = sum(trial.round < number for trial in self.journal.trials.values())
        return Round(number, spec_of_round(self.spec, number, self.ledger.spaces(self.record.name), before), before)

    def _following(self, round: Round) -> Round | None:
        """The next round, its space in the ledger; None if the sweep is over."""
        name, table, number = self.record.name, self.journal.table(round.before), round.number + 1
        if self.course.ending or not goes_on(self.spec, round.number, len(self.journal.trials), table):
            return None
        space = opening(self.spec, number, self.ledger.spaces(name), table, self.course.seconds())
        try:
            if space is not None:
                self.ledger.append(name, self.record.attempt, Batch(spaces=[space]))
        except SieveError as error:
            self.course.pause(str(error))
            return None
        return self._round(number)

    def _fit(
        self,
        round: Round,
        history: History,
        shared: list[Any],
        guard: Guard,
        slots: Slots,
        gauges: Gauges | None,
    ) -> None:
        spec, past = round.spec, self.journal.table()[: round.before]
        policy = Policy(spec, foreign(spec, self.record.project), past, self._lessons(past))
        rebuild(policy, self.journal, self.spec, history, round.before)
        policy.worths.news()  # What the old head knew is on record.
        keeper = Keeper(self.spec, self.journal, round.number)
        departures = Departures(policy, self.journal, keeper, self.course)
        departures.record(policy.dismissals())
        verdicts = Verdicts(policy, self.journal, spec, slots)
        assign = partial(self._assign, round)
        proposals = Proposals(self.journal, round, policy, self.course, slots, assign)
        recorder = Recorder(spec, self.journal, proposals, verdicts, guard, departures)
        with Pulse(self.journal, keeper, self.course, partial(self._beat, slots), gauges) as pulse:
            pulse.beat()
            logs = self.home / "tune" / f"{self.record.name}-{self.record.attempt}"
            logs = logs if round.number == 0 else logs.with_name(f"{logs.name}-round-{round.number}")
            drive(spec, logs, Parts(proposals, verdicts, recorder, self.course), shared)
            self._settle(keeper, departures)
            pulse.write()

    def _lessons(self, past: Sequence[Observation]) -> list[Past]:
        rounds: dict[int, list[Observation]] = {}
        for observation in past:
            rounds.setdefault(self.journal.trials[observation.trial].round, []).append(observation)
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
            reported=self.journal.track(trial.number).reported,
            data_seed=self.spec.search.seed,
            skipped=tuple(trial.skipped),
            data_dir=data_dir,
        ).to_dict()

    def _beat(self, slots: Slots | None = None) -> Orders:
        needs = None if slots is None else slots.needs()
        state = "RUNNING" if self.course.ending is None else None
        orders = self.ledger.beat(self.record.name, self.record.attempt, state, needs)
        if slots is not None:
            slots.obey(orders)
        return orders

    def _settle(self, keeper: Keeper, departures: Departures) -> None:
        """What was cut short waits for the next head, or ends with the sweep, as does whoever waits at a rung."""
        ending = self.course.ending
        if ending is None:
            departures.over()
            return
        for number in self.journal.unfinished():
            if ending.state not in ("PAUSED", "QUEUED"):
                state = "CANCELLED" if ending.state == "CANCELLED" else "STOPPED"
                why = f"the sweep ended: {ending.why}"
                keeper.ended(self.journal.change(number, state=state, why=why, finished=time.time()))
            elif self.journal.trials[number].state != "PAUSED":
                self.journal.change(number, state="PENDING", why=ending.why)

    def _outcome(self) -> Ending:
        trials = self.journal.trials
        last = trials[max(trials)].why if trials else ""
        ending = outcome([t.state for t in trials.values()], last)
        if ending.state != "FAILED":
            return ending
        return replace(ending, why=f"{ending.why}; mend the cause, then `sieve rm {self.record.name}` and run it again")
