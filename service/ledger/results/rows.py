"""Results of sweeps as rows: dicts with None for what is missing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from service.ledger.records import (
    Latest,
    ReportRecord,
    Rows,
    SpaceRecord,
    SweepRecord,
    TrialRecord,
    WorthRecord,
)
from service.spec.models import Metric
from service.spec.space.space import Space
from service.states import SWEEP_UNDER_WAY, TrialState


def sweep_row(sweep: SweepRecord, counts: Mapping[TrialState, int]) -> dict[str, Any]:
    """A sweep and how far its trials are: ``counts`` are their numbers by state."""
    return {
        "sweep": sweep.name,
        "state": sweep.state,
        "simulated": sweep.simulated,
        "why": sweep.reason,
        "task": sweep.spec["task"],
        "metric": sweep.spec["metric"]["name"],
        "owner": sweep.owner,
        "trials": sum(counts.values()),
        "finished_trials": counts.get("FINISHED", 0),
        "attempt": sweep.attempt,
        "seconds": sweep.seconds,
        "created": sweep.created,
        "started": sweep.started,
        "finished": sweep.finished,
    }


def queue_row(sweep: SweepRecord) -> dict[str, Any]:
    """A sweep that waits or runs, and its share of the cluster."""
    return {
        "sweep": sweep.name,
        "owner": sweep.owner,
        "state": sweep.state,
        "priority": sweep.priority,
        "weight": sweep.weight,
        "slots": sweep.slots,
        "running": sweep.running,
        "wanted": sweep.wanted,
        "waits": sweep.waits,
    }


def space_rows(space: SpaceRecord, otherwise: str) -> Rows:
    """A row for each parameter of a round's space; ``otherwise`` is the reason where the space has none."""
    reasons = space.reasons or [
        {"parameter": p.name, "from": None, "to": {p.kind: list(p.args)}, "reason": otherwise}
        for p in Space.parse(space.parameters).parameters
    ]
    return [{"round": space.round, **reason, "undone": space.undone, "time": space.time} for reason in reasons]


def stage_row(stage: int, plan: dict[str, Any], trials: int, worth: WorthRecord | None) -> dict[str, Any]:
    """A stage of a plan, which ``trials`` trials have ended, and the estimate of its worth if there is one."""
    return {
        "stage": stage,
        "data": plan["data"],
        "epochs": plan["epochs"],
        "trials": trials,
        "correlation": worth and worth.correlation,
        "low": worth and worth.low,
        "high": worth and worth.high,
        "pairs": worth.pairs if worth else 0,
        "seconds": worth and worth.seconds,
        "advice": worth and worth.advice,
    }


def waits(sweep: SweepRecord) -> str:
    """Why a trial of ``sweep`` that is PENDING, and of which nothing else is known, does not train."""
    if sweep.state not in SWEEP_UNDER_WAY:
        return f"waits for its sweep, which is {sweep.state}"
    if sweep.state == "QUEUED":
        return f"waits with its sweep{sweep.waits and ': '}{sweep.waits}"
    if sweep.slots is None:
        return "waits for a free slot"
    running = sweep.running or 0
    return f"{'starts' if running < sweep.slots else 'waits for a free slot'}: {running} of {sweep.slots} train"


def trial_row(trial: TrialRecord, latest: Latest | None, metric: str, configs: Sequence[str]) -> dict[str, Any]:
    """A trial and where it stands by its reports, if it has any; ``configs`` are the columns of all configs."""
    return {
        "trial": trial.number,
        metric: latest and latest.value,
        **{f"config/{key}": trial.config.get(key) for key in configs},
        "state": trial.state,
        "stage": latest and latest.stage,
        "epoch": latest and latest.epoch,
        "budget": latest and latest.budget,
        f"best_{metric}": latest and latest.best,
        "round": trial.round,
        "why": trial.why,
        "seconds": trial.seconds,
        "gpu_seconds": trial.gpu_seconds,
        "node": trial.node,
        "checkpoint": trial.checkpoint,
        "error": trial.error,
        "diagnosis": trial.diagnosis,
        "started": trial.started,
        "finished": trial.finished,
    }


def report_row(
    report: ReportRecord, config: dict[str, Any], configs: Sequence[str], metrics: Sequence[str]
) -> dict[str, Any]:
    """A report of a trial with ``config``; the first of ``metrics`` is that of the sweep."""
    return {
        "trial": report.trial,
        **{key: report.metrics.get(key) for key in metrics[:1]},
        **{f"config/{key}": config.get(key) for key in configs},
        "stage": report.stage,
        "epoch": report.epoch,
        "data": report.data,
        "budget": report.budget,
        "time": report.time,
        "seconds": report.seconds,
        **{key: report.metrics.get(key) for key in metrics[1:]},
    }


def is_in(row: Mapping[str, Any], *states: TrialState) -> bool:
    """Whether the row of a trial has one of ``states``."""
    return row.get("state") in states


def is_final(row: Mapping[str, Any], spec: dict[str, Any]) -> bool:
    """Whether *best* is chosen among values like that of a trial's row: one from the end of the last stage, or one by
    which the target was reached in it, see `Spec.target_stage`.
    """
    metric = Metric.model_validate(spec["metric"])
    if is_in(row, "FINISHED"):
        return is_finite(row[metric.name])
    plan, last = (plan_number(spec, round) for round in (row["round"], spec.get("rounds", {}).get("count", 1) - 1))
    stages = [spec["stages"], *own_stages(spec)][plan]
    at_last = plan == last and row["stage"] == len(stages) - 1
    return at_last and metric.reached(row[metric.name], stage_end=False)


def own_stages(spec: dict[str, Any]) -> list[Any]:
    """The plans of rounds after the first; specs from before there were rounds have none."""
    return list(spec.get("rounds", {}).get("stages", []))


def plan_number(spec: dict[str, Any], round: int) -> int:
    """Which plan of stages a round has, 0 for the spec's own: values of two plans are never compared."""
    return min(round, len(own_stages(spec)))


def is_finite(value: float | None) -> bool:
    """Whether a value is there and a number."""
    return value is not None and math.isfinite(value)


def keys(mappings: Any) -> list[str]:
    """Every key of some mappings, in the order of first appearance."""
    return list(dict.fromkeys(key for mapping in mappings for key in mapping))
