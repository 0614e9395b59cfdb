"""The discrete-event loop: N workers, one event per epoch, virtual time."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import dataclass

from service.engine.curves import Measurement
from service.engine.simulation.leg import Leg
from service.engine.simulation.timed import Timed
from service.engine.simulation.trial_table import Table
from service.engine.simulation.virtual_trial import Trial
from service.engine.simulation.world import World
from service.engine.state.rounds import Round
from service.engine.state.worth_records import appraisals
from service.ledger.records import TrialRecord
from service.policy.failures.retries import retry
from service.policy.limits import Ending, Usage, ending
from service.policy.policy import Job, Policy
from service.policy.verdict import Ruling, Verdict
from service.spec.errors import UserError
from service.spec.states import STATE_RULED, TRIAL_OPEN, TrialState

CRASH = "a simulated crash of its worker"
CURVE_ENDS = "the recorded curve ends here"

TIMELESS = 1_000
"""So many trials without a second gone by never use a budget of time up."""


@dataclass(frozen=True)
class _Event:
    """An epoch that ends: of which trial, what it measured, and whether its worker was lost in it."""

    trial: Trial
    leg: Leg
    measured: Measurement
    crashed: bool


class EventLoop:
    """One round of a simulated sweep, in ``world``; ``table`` is what happened in it.

    ``_idle`` says when each free worker is ready.
    """

    def __init__(self, round: Round, world: World) -> None:
        spec = round.spec
        self.table = Table(spec, round.before, world.epochs, world.gpu_seconds)
        self._spec = spec
        self._round = round.number
        self._world = world
        self._options = world.options
        self._policy = Policy(spec, world.foreign, world.past, world.lessons)
        self._timed = Timed(self._policy, spec.metric.name, world.latencies, world.options.charge_decisions)
        self._now = world.now
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
            finished = self._happen(event) if in_time else {}
            usage = Usage(self._now, self.table.epochs, finished, self.table.gpu_seconds)
            self._ending = ending(self._spec, usage)
            if self._ending is None:
                self._fill()
        self._settle()
        self._world.now, self._world.epochs = self._now, self.table.epochs
        self._world.gpu_seconds = self.table.gpu_seconds
        self._world.past += self.table.observations()
        return self._ending

    def _fill(self) -> None:
        """Give each free worker what it does next, until there is nothing to do before another report."""
        while self._idle:
            ready = max(self._now, heapq.heappop(self._idle))
            if self._offers:
                trial = self._offers.popleft()
            else:
                job, waited = self._timed.next(self.table.observations())
                ready += waited
                if job is None:
                    heapq.heappush(self._idle, ready)
                    return
                trial = self._begin(job) if job.ruling is None else self._promote(job, job.ruling)
            trial.legs += 1
            begun = ready if trial.row.started is None else trial.row.started
            self.table.change(trial, state="RUNNING", why="", started=begun)
            self._train(trial, Leg(self._options, self._spec.search.seed, trial.row.number, trial.legs), ready)

    def _begin(self, job: Job) -> Trial:
        """A new trial."""
        config, snapping = job.config or {}, self._world.snapping
        config = dict(config if snapping is None else snapping.take(config))
        trial = Trial(TrialRecord(job.trial, config, "PENDING", round=self._round, origin=job.origin), self._spec.plan)
        trial.send(job.skipped)
        self.table.add(trial)
        if self._now == 0 and self._spec.budget.time is not None and job.trial > TIMELESS:
            raise UserError(
                f"{TIMELESS} trials took no time at all", "let the curves say what an epoch costs in seconds"
            )
        return trial

    def _promote(self, job: Job, ruling: Ruling) -> Trial:
        """A trial that waited goes on."""
        trial = self.table[job.trial]
        self.table.decide(trial, ruling.stage, ruling.verdict, self._now)
        trial.send(job.skipped)
        return trial

    def _train(self, trial: Trial, leg: Leg, start: float) -> None:
        """Train the next epoch from ``start`` on; where the curve has ended the trial does."""
        measured = self._world.curves.epoch(trial.row.config, trial.plan[trial.stage], trial.epoch + 1)
        if measured is None:
            self._world.exhausted += 1
            self._lose(trial, "STOPPED", CURVE_ENDS, start)
            return
        measured = Measurement(measured.metrics, measured.seconds * leg.slowness)
        event = _Event(trial, leg, measured, leg.crashes())
        heapq.heappush(self._events, (start + measured.seconds, next(self._serial), event))

    def _happen(self, event: _Event) -> dict[int, float]:
        """The epoch of ``event`` has ended; returns the value of its trial if that has climbed every stage now."""
        trial = event.trial
        if event.crashed:
            self._crash(trial)
            return {}
        trial.train(event.measured)
        if not (event.measured.metrics or trial.stage_end):
            self._train(trial, event.leg, self._now)
            return {}
        report = self.table.report(trial, event.measured, self._now)
        verdict, waited = self._timed.judge(report, trial.done, trial.track.seconds[report.stage])
        if verdict is not None:
            self.table.judge(trial, verdict, self._now)
            self.table.worth.extend(appraisals(self._policy, self._now))
            self._move(trial, verdict)
            self._dismiss()
        if trial.row.state != "RUNNING":
            heapq.heappush(self._idle, self._now + waited)
            return {report.trial: trial.track.values[report.stage]} if trial.row.state == "FINISHED" else {}
        if report.stage_end:
            trial.advance()
        self._train(trial, event.leg, self._now + waited)
        return {}

    def _move(self, trial: Trial, verdict: Verdict) -> None:
        """A verdict on a trial is on record: it gets the state that this means."""
        state = STATE_RULED[verdict.kind]
        if state in TRIAL_OPEN:
            self.table.change(trial, state=state, why=verdict.reason)
        else:
            self.table.end(trial, state, verdict.reason, self._now)

    def _dismiss(self, over: bool = False) -> None:
        """Stop the trials that wait for nothing."""
        for ruling in self._policy.dismissals(over):
            trial = self.table[ruling.trial]
            if trial.row.state == "PAUSED":
                self.table.decide(trial, ruling.stage, ruling.verdict, self._now)
                self._move(trial, ruling.verdict)

    def _crash(self, trial: Trial) -> None:
        """The worker comes back at once; its trial is tried again where the rule of real sweeps says so."""
        trial.rewind()
        row = trial.row
        why = retry(self._spec, "worker", row.attempt, CRASH)
        if why is None:
            self.table.change(trial, error=CRASH)
            self._lose(trial, "FAILED", CRASH, self._now)
            return
        self.table.change(trial, state="PENDING", why=why, error=CRASH, attempt=row.attempt + 1)
        self._offers.append(trial)
        heapq.heappush(self._idle, self._now)

    def _lose(self, trial: Trial, state: TrialState, why: str, ready: float) -> None:
        """A trial ends without a verdict, and nobody waits for it; its worker is free from ``ready`` on."""
        self.table.end(trial, state, why, self._now)
        self._policy.drop(trial.row.number)
        self._dismiss()
        heapq.heappush(self._idle, ready)

    def _settle(self) -> None:
        """Whoever waits when the search is over goes no further; a budget or target cuts all short."""
        if self._ending is None:
            self._dismiss(over=True)
            return
        for trial in self.table.open():
            self.table.end(trial, "STOPPED", f"the sweep ended: {self._ending.why}", self._now)
