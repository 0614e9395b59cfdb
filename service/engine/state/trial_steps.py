"""The steps of a trial: pure functions from its row to the next, and to the decision behind it.

A head and the simulator take the same steps and put what comes back on record. ``time`` is the sweep's running time in
seconds, as decisions have it; ``now`` is the time of rows: seconds since the epoch, or virtual ones in a simulation.

What stays apart is when a step is due, and what goes with it. Tune tells a head when a trial starts, reports or
breaks, one call each, and adds what the trial's GPU, node and checkpoint have to say; it can be told to pause, and
leaves trials to the next head. The simulator frees its workers itself and draws each epoch from curves, so a crash
takes a trial back to its last report, where a real worker reads its checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from service.engine.state.rounds import Round
from service.engine.state.trial_failure import TrialFailure
from service.engine.state.trial_progress import BEGUN
from service.ledger.records import DecisionRecord, ReportRecord, TrialRecord
from service.policy.diagnosis import diagnose
from service.policy.failures import company, silence
from service.policy.failures.retries import ROOM, retry
from service.policy.limits import Ending
from service.policy.policy import Job
from service.policy.verdict import Ruling, Verdict
from service.spec import Spec
from service.states import STATE_RULED, SWEEP_WITHOUT_HEAD, TRIAL_OVER, TrialState


def begun(job: Job, round: Round) -> TrialRecord:
    """A new trial of ``round``, at the first stage that it trains; it waits for its worker."""
    plan = round.spec.plan.without(job.skipped)
    config, skipped = dict(job.config or {}), list(plan.skipped)
    return TrialRecord(job.trial, config, "PENDING", plan.next(-1), round.number, origin=job.origin, skipped=skipped)


def promoted(row: TrialRecord, job: Job, ruling: Ruling, round: Round) -> TrialRecord:
    """A trial that waited at a rung, at the next stage that it trains."""
    plan = round.spec.plan.without([*row.skipped, *job.skipped])
    stage, skipped = plan.next(ruling.stage), list(plan.skipped)
    return replace(row, state=STATE_RULED["promote"], why=ruling.verdict.reason, stage=stage, skipped=skipped)


def started(row: TrialRecord, now: float) -> TrialRecord:
    """A trial that has got a worker, for the first time or again."""
    return replace(row, state="RUNNING", why="", started=now if row.started is None else row.started)


def reported(row: TrialRecord, report: ReportRecord, gpus: float) -> TrialRecord:
    """A trial that trained for ``report``, on so many GPUs."""
    return replace(
        row,
        stage=report.stage,
        seconds=row.seconds + report.seconds,
        gpu_seconds=row.gpu_seconds + report.seconds * gpus,
    )


def judged(row: TrialRecord, verdict: Verdict, curve: Sequence[Mapping[str, float]], now: float) -> TrialRecord:
    """A trial after the verdict on its newest report; ``curve`` has the metrics of its stage so far, oldest first."""
    return replace(ruled(row, verdict, now), diagnosis=diagnose(curve) or None)


def ruled(row: TrialRecord, verdict: Verdict, now: float) -> TrialRecord:
    """A trial after a verdict: in the state that this means, over or not."""
    state = STATE_RULED[verdict.kind]
    return replace(row, state=state, why=verdict.reason, finished=now if state in TRIAL_OVER else row.finished)


CURES = {"memory": ROOM, "killed": company.CURE, "hang": silence.CURE}
"""What helps a trial that failed, by the kind of its failure."""


def broken(row: TrialRecord, failure: TrialFailure, spec: Spec, now: float, how: str = "") -> TrialRecord:
    """A trial that broke: it waits for another attempt if it has one left, which this one costs, else has failed.

    ``how`` says what is different at the next attempt.
    """
    why = retry(spec, failure.kind, row.attempt, failure.message, how)
    if why is not None:
        return replace(row, state="PENDING", why=why, error=failure.traceback, attempt=row.attempt + 1)
    why = "; ".join(filter(None, [failure.message, CURES.get(failure.kind)]))
    return replace(row, state="FAILED", why=why, error=failure.traceback, finished=now)


def settled(row: TrialRecord, ending: Ending, now: float) -> TrialRecord:
    """A trial that the end of its sweep cuts short; where the sweep can go on it waits, if only at its rung."""
    if ending.state in SWEEP_WITHOUT_HEAD:
        return row if row.state == "PAUSED" else replace(row, state="PENDING", why=ending.why)
    state: TrialState = "CANCELLED" if ending.state == "CANCELLED" else "STOPPED"
    return replace(row, state=state, why=f"the sweep ended: {ending.why}", finished=now)


def decision(trial: int, stage: int, verdict: Verdict, time: float, begun: int | None = None) -> DecisionRecord:
    """The record of a verdict at the end of ``stage``; ``begun`` is how many trials had begun when a report got it."""
    numbers = dict(verdict.numbers) if begun is None else {**verdict.numbers, BEGUN: begun}
    return DecisionRecord(trial, stage, verdict.kind, verdict.reason, numbers, time)
