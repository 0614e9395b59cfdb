"""The discrete-event loop: N workers, one event per epoch, virtual time."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from service.engine.curves import Measurement
from service.engine.simulation.timed_policy import TimedPolicy
from service.engine.simulation.trial_table import Table
from service.engine.simulation.virtual_trial import Trial
from service.engine.simulation.worker_faults import WorkerFaults
from service.engine.simulation.world import World
from service.engine.state.dismissals import Dismissals
from service.engine.state.reached_target import target_reached
from service.engine.state.rounds import Round
from service.engine.state.trial_failure import TrialFailure
from service.engine.state.trial_steps import begun, broken, decision, judged, promoted, reported, started
from service.engine.state.worth_records import appraisals
from service.ledger.records import DecisionRecord, ReportRecord, TrialRecord
from service.policy.cluster_share.request import request_at
from service.policy.limits import Ending, Reached, Usage, ending, left
from service.policy.policy import Job, Policy
from service.policy.verdict import Ruling
from service.spec import Spec
from service.spec.errors import UserError

CRASH = TrialFailure("worker", "a simulated crash of its worker", "a simulated crash of its worker")
CURVE_ENDS = "the recorded curve ends here"

TIMELESS = 1_000
"""The most trials that begin at virtual time 0 where time is the budget: it would never be used up."""


@dataclass(frozen=True)
class _Event:
    """An epoch that ends: of which trial, what it measured, and whether its worker was lost in it."""

    trial: Trial
    leg: WorkerFaults
    measured: Measurement
    crashed: bool


class EventLoop:
    """One round of the simulated sweep of ``sweep``, in ``world``; ``table`` is what happened in it.

    ``_idle`` says when each free worker is ready.
    """

    def __init__(self, sweep: Spec, round: Round, world: World) -> None:
        spec = round.spec
        self._sweep = sweep
        self.table = Table(spec, world.epochs, world.gpu_seconds)
        self._spec = spec
        self._round = round
        self._world = world
        self._options = world.options
        self._policy = Policy(spec, world.foreign, world.past, world.lessons)
        self._timed = TimedPolicy(self._policy, spec.metric.name, world.latencies, world.options.charge_decisions)
        self._now = world.now
        self._dismissals = Dismissals(self._policy, self.table, self._clock, self._clock)
        self._idle = [world.now] * world.options.slots(spec)
        self._events: list[tuple[float, int, _Event]] = []
        self._serial = itertools.count()
        self._offers: deque[Trial] = deque()
        self._ending: Ending | None = None

    def run(self) -> Ending | None:
        """Go on until the round's search is over (None), or the whole sweep is."""
        limit = self._spec.budget.time
        self._fill()
        while self._events and self._ending is None:
            at, _, event = heapq.heappop(self._events)
            in_time = limit is None or at <= limit
            self._now = at if limit is None else min(at, limit)
            reached = self._happen(event) if in_time else {}
            self._ending = ending(self._spec, self._usage(reached))
            if self._ending is None:
                self._fill()
        self._dismissals.settle(self._ending)
        self._world.now, self._world.epochs = self._now, self.table.epochs
        self._world.gpu_seconds = self.table.gpu_seconds
        self._world.past += self.table.observations()
        return self._ending

    def _usage(self, reached: Mapping[int, Reached]) -> Usage:
        return Usage(self._now, self.table.epochs, reached, self.table.gpu_seconds)

    def _clock(self) -> float:
        return self._now

    def _fill(self) -> None:
        """Give each free worker what it does next, until there is nothing to do before another report."""
        while self._idle:
            ready = max(self._now, heapq.heappop(self._idle))
            if self._offers:
                trial = self._offers.popleft()
            else:
                job, waited = self._timed.next(self.table.observations(), left(self._spec, self._usage({})))
                ready += waited
                if job is None:
                    heapq.heappush(self._idle, ready)
                    return
                trial = self._begin(job) if job.ruling is None else self._promote(job, job.ruling)
            trial.legs += 1
            self.table.record(started(self.table.trials[trial.number], ready))
            self._train(trial, WorkerFaults(self._options, self._spec.search.seed, trial.number, trial.legs), ready)

    def _begin(self, job: Job) -> Trial:
        """A new trial."""
        if self._now == 0 and self._spec.budget.time is not None and job.trial > TIMELESS:
            raise UserError(
                f"{TIMELESS} trials took no time at all", "let the curves say what an epoch costs in seconds"
            )
        snapping = self._world.snapping
        if snapping is not None:
            job = replace(job, config=snapping.take(job.config or {}))
        return self._send(begun(job, self._round))

    def _promote(self, job: Job, ruling: Ruling) -> Trial:
        """A trial that waited goes on."""
        row = promoted(self.table.trials[job.trial], job, ruling, self._round)
        return self._send(row, [decision(job.trial, ruling.stage, ruling.verdict, self._now)])

    def _send(self, row: TrialRecord, decisions: Sequence[DecisionRecord] = ()) -> Trial:
        self.table.record(row, decisions=decisions)
        trial = self.table[row.number]
        trial.send(row)
        return trial

    def _train(self, trial: Trial, leg: WorkerFaults, start: float) -> None:
        """Train the next epoch from ``start`` on; where the curve has ended the trial does."""
        row = self.table.trials[trial.number]
        measured = self._world.curves.epoch(row.config, trial.plan[trial.stage], trial.epoch + 1)
        if measured is None:
            self._world.exhausted += 1
            self._lose(replace(row, state="STOPPED", why=CURVE_ENDS, finished=self._now), start)
            return
        measured = Measurement(measured.metrics, measured.seconds * leg.slowness)
        event = _Event(trial, leg, measured, leg.crashes())
        heapq.heappush(self._events, (start + measured.seconds, next(self._serial), event))

    def _happen(self, event: _Event) -> dict[int, Reached]:
        """The epoch of ``event`` has ended; returns its trial if that has reached the target."""
        trial = event.trial
        if event.crashed:
            self._crash(trial)
            return {}
        trial.train(event.measured)
        if not (event.measured.metrics or trial.stage_end):
            self._train(trial, event.leg, self._now)
            return {}
        report = trial.report(event.measured, self._now)
        waited = self._report(trial, report)
        reached = target_reached(self._sweep, self.table.trials[trial.number], trial.track)
        if reached is not None:
            return {report.trial: reached}
        if self.table.trials[trial.number].state != "RUNNING":
            heapq.heappush(self._idle, self._now + waited)
            return {}
        if report.stage_end:
            trial.advance()
        self._train(trial, event.leg, self._now + waited)
        return {}

    def _report(self, trial: Trial, report: ReportRecord) -> float:
        """Record a report with the verdict on it; returns the seconds that its worker waits for that."""
        gpus = request_at(self._spec, report.stage, auto=1.0).gpu
        self.table.remember(report, trial.done, gpus)
        row = reported(self.table.trials[trial.number], report, gpus)
        verdict, waited = self._timed.judge(report, trial.done, trial.track.seconds[report.stage])
        if verdict is None:
            self.table.record(row, [report])
            return waited
        row = judged(row, verdict, trial.track.curves[report.stage], self._now)
        trials = self._round.before + len(self.table.trials)
        fell = decision(row.number, report.stage, verdict, self._now, trials)
        self.table.record(row, [report], [fell], appraisals(self._policy, self._now))
        self._dismissals.record()
        return waited

    def _crash(self, trial: Trial) -> None:
        """The worker comes back at once; its trial is tried again where the rule of real sweeps says so."""
        trial.rewind()
        row = broken(self.table.trials[trial.number], CRASH, self._spec, self._now)
        if row.state == "FAILED":
            self._lose(row, self._now)
            return
        self.table.record(row)
        self._offers.append(trial)
        heapq.heappush(self._idle, self._now)

    def _lose(self, row: TrialRecord, ready: float) -> None:
        """A trial ends without a verdict, as its new ``row`` says; its worker is free from ``ready`` on."""
        self.table.record(row)
        self._dismissals.dropped(row.number)
        heapq.heappush(self._idle, ready)
