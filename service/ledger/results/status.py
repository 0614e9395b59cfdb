"""Where a sweep stands: a pure function of its records, read by the terminal, the page and the Python handle."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from service.ledger.records import ReportRecord, SweepRecord, TrialRecord
from service.ledger.results.planned import planned
from service.ledger.results.remaining import Limit, Rest, limits, rest
from service.spec import Spec, load
from service.states import SILENT, SWEEP_WITH_HEAD, TRIAL_OVER, SweepState, TrialState


@dataclass(frozen=True)
class Level:
    """One stage of the funnel, in numbers of trials.

    ``reached`` began the stage; of those ``running`` train in it now, ``stopped`` got no further by the scheduler's
    verdict, in the stage or at its rung, and ``finished`` are the others that came to its end: they went on, or wait
    for their turn, or have climbed every stage. No trial is in two of the last three.
    """

    stage: int
    data: float
    epochs: int
    reached: int
    running: int
    finished: int
    stopped: int


@dataclass(frozen=True)
class Runner:
    """A trial in training: ``progress`` through its present stage in [0, 1], ``value`` the newest of the metric.

    ``silence``: that it has reported nothing for long, in words; else empty.
    """

    trial: int
    stage: int
    progress: float
    value: float | None
    silence: str = ""


@dataclass(frozen=True)
class Leader:
    """The best trial so far. ``final``: the value is from the end of the last stage, not from a coarser one.

    ``epochs`` is not None where the value reached the target before the end of the last stage, after so many epochs
    of it.
    """

    trial: int
    stage: int
    value: float
    final: bool
    epochs: int | None = None


@dataclass(frozen=True)
class Status:
    """A sweep at one moment.

    ``planned`` is the number of trials the sweep is to have (at least those it has); ``used`` and ``full`` are
    budgets in full-data epoch equivalents: the work done, and what full training of all planned trials would cost
    (``full_begun``: of those alone that have reported).
    ``elapsed`` and ``eta`` are seconds of the head, gone and to go; ``eta`` is None while nothing can be said.
    ``silence`` is how many seconds ago the last heartbeat came, None when no head has the sweep. ``round`` is the
    newest one of ``rounds``, from 0; the funnel is that of the rounds with its stages. A ``simulated`` sweep trained
    nothing, and its seconds are virtual.
    """

    name: str
    state: SweepState
    why: str
    metric: str
    goal: str
    target: float | None
    planned: int
    counts: dict[TrialState, int]
    funnel: tuple[Level, ...]
    running: tuple[Runner, ...]
    best: Leader | None
    used: float
    full: float
    full_begun: float
    elapsed: float
    eta: float | None
    silence: float | None
    round: int = 0
    rounds: int = 1
    simulated: bool = False
    limits: tuple[Limit, ...] = ()
    rest: Rest | None = None

    @property
    def share(self) -> float:
        """Work done as a fraction of full training of every planned trial."""
        return self.used / self.full if self.full else 0.0

    @property
    def ended(self) -> int:
        """Trials that will not train again."""
        return sum(count for state, count in self.counts.items() if state in TRIAL_OVER)


def snapshot(sweep: SweepRecord, trials: Sequence[TrialRecord], reports: Sequence[ReportRecord], now: float) -> Status:
    """Where ``sweep`` stands at ``now`` (seconds since the epoch), given all its trials and reports in order."""
    raw = json.dumps(sweep.spec, sort_keys=True)
    spec, round = _at(raw, None), max((trial.round for trial in trials), default=0)
    newest = {report.trial: report for report in reports}
    plan = planned(spec, trials, newest, 0 if spec.search.trials else _points(raw))
    climbing = [trial for trial in trials if spec.plan_number(trial.round) == spec.plan_number(round)]
    used = sum(report.budget for report in newest.values())
    elapsed = _elapsed(sweep)
    budgets = limits(spec, elapsed, sum(trial.gpu_seconds for trial in trials), used)
    coming = rest(trials, newest, plan.trials, elapsed, budgets) if sweep.state == "RUNNING" else None
    return Status(
        name=sweep.name,
        state=sweep.state,
        why=sweep.reason,
        metric=spec.metric.name,
        goal=spec.metric.goal,
        target=spec.metric.target,
        planned=plan.trials,
        counts=dict(Counter(trial.state for trial in trials)),
        funnel=_funnel(_at(raw, round), climbing, comparable(spec, trials, reports, round)),
        running=tuple(
            _runner(_at(raw, trial.round), trial, newest.get(trial.number))
            for trial in trials
            if trial.state == "RUNNING"
        ),
        best=_best(raw, trials, reports),
        used=used,
        full=plan.full,
        full_begun=plan.full_begun,
        elapsed=elapsed,
        eta=None if coming is None else coming.seconds,
        silence=_silence(sweep, now),
        round=round,
        rounds=max(spec.rounds.count, round + 1),
        simulated=sweep.simulated,
        limits=budgets,
        rest=coming,
    )


def comparable(
    spec: Spec, trials: Sequence[TrialRecord], reports: Iterable[ReportRecord], round: int
) -> list[ReportRecord]:
    """The reports of trials whose rounds have the stages of ``round``."""
    members = {t.number for t in trials if spec.plan_number(t.round) == spec.plan_number(round)}
    return [report for report in reports if report.trial in members]


def ranked(
    spec: Spec, reports: Iterable[ReportRecord], stage: int, target_stage: int | None = None
) -> list[ReportRecord]:
    """The reports at the end of ``stage``, best first: values are compared at the same rung only.

    At the ``target_stage`` the newest report of a trial that is not at the end yet is among them if it reaches the
    target. Ties go to the quicker trial, as in `Results.best_rows`.
    """
    metric, sign = spec.metric, -1.0 if spec.metric.goal == "maximize" else 1.0
    seconds: dict[int, float] = {}
    found: dict[int, ReportRecord] = {}
    for report in reports:
        seconds[report.trial] = seconds.get(report.trial, 0.0) + report.seconds
        value = report.metrics.get(metric.name, math.nan)
        if report.stage != stage:
            continue
        found.pop(report.trial, None)
        ended = report.stage_end and math.isfinite(value)
        if ended or (stage == target_stage and metric.reached(value, report.stage_end)):
            found[report.trial] = report
    return sorted(found.values(), key=lambda report: (sign * report.metrics[metric.name], seconds[report.trial]))


@lru_cache(maxsize=64)
def _at(raw: str, round: int | None) -> Spec:
    """The stored spec, as a whole or in one round; cached because the live view asks twice a second."""
    spec = load(json.loads(raw))
    return spec if round is None else spec.at(round)


@lru_cache(maxsize=16)
def _points(raw: str) -> int:
    return len(_at(raw, None).space.grid())


def _silence(sweep: SweepRecord, now: float) -> float | None:
    """Seconds since the last heartbeat; None where no head has the sweep."""
    if sweep.state not in SWEEP_WITH_HEAD or sweep.heartbeat is None:
        return None
    return max(0.0, now - sweep.heartbeat)


def _elapsed(sweep: SweepRecord) -> float:
    """Seconds of all heads; the present one has run until its last heartbeat, for it may be dead since."""
    if sweep.state not in SWEEP_WITH_HEAD or sweep.claimed is None:
        return sweep.seconds
    return sweep.seconds + max(0.0, (sweep.heartbeat or sweep.claimed) - sweep.claimed)


def _funnel(spec: Spec, trials: Sequence[TrialRecord], reports: Sequence[ReportRecord]) -> tuple[Level, ...]:
    stopped = Counter(trial.stage for trial in trials if trial.state == "STOPPED")
    out = {(trial.number, trial.stage) for trial in trials if trial.state == "STOPPED"}
    finished = Counter(stage for _, stage in {(r.trial, r.stage) for r in reports if r.stage_end} - out)
    begun = {report.trial for report in reports}
    reached = [trial for trial in trials if trial.number in begun or trial.state != "PENDING"]
    return tuple(
        Level(
            stage=index,
            data=stage.data,
            epochs=stage.epochs,
            reached=sum(trial.stage >= index and index not in trial.skipped for trial in reached),
            running=sum(trial.state == "RUNNING" and trial.stage == index for trial in trials),
            finished=finished[index],
            stopped=stopped[index],
        )
        for index, stage in enumerate(spec.plan.stages)
    )


def _runner(spec: Spec, trial: TrialRecord, newest: ReportRecord | None) -> Runner:
    done = 0
    if newest is not None and newest.stage == trial.stage:
        done = newest.epoch - spec.plan.without(trial.skipped).first_epoch(trial.stage)
    return Runner(
        trial=trial.number,
        stage=trial.stage,
        progress=min(1.0, max(0.0, done / spec.plan[trial.stage].epochs)),
        value=newest.metrics.get(spec.metric.name) if newest else None,
        silence=trial.why if trial.why.startswith(SILENT) else "",
    )


def _best(raw: str, trials: Sequence[TrialRecord], reports: Sequence[ReportRecord]) -> Leader | None:
    """The best by the newest plan that a trial has climbed to its end; before one has, the best by the newest plan."""
    spec = _at(raw, None)
    rounds = {spec.plan_number(trial.round): trial.round for trial in trials}
    leaders = [
        _leader(spec, round, trials, comparable(spec, trials, reports, round))
        for _, round in sorted(rounds.items(), reverse=True)
    ]
    ended = (leader for leader in leaders if leader and (leader.final or leader.epochs is not None))
    return next(ended, leaders[0] if leaders else None)


def _leader(spec: Spec, round: int, trials: Sequence[TrialRecord], reports: Sequence[ReportRecord]) -> Leader | None:
    plan = spec.plans[spec.plan_number(round)]
    for stage in range(plan.last, -1, -1):
        for report in ranked(spec, reports, stage, spec.target_stage(round))[:1]:
            value = report.metrics[spec.metric.name]
            if report.stage_end:
                return Leader(report.trial, stage, value, final=stage == plan.last)
            [own] = [plan.without(trial.skipped) for trial in trials if trial.number == report.trial]
            return Leader(report.trial, stage, value, False, report.epoch - own.first_epoch(stage))
    return None
