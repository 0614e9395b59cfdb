"""The warm-start data of a sweep: copies of past sweeps as they were at submit, and its own earlier rounds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from service.ledger.records import PastRecord, PastTrial
from service.ledger.store.store import Store
from service.policy.observation import Observation
from service.policy.search.warm_start.past import SAME, Past, coordinates
from service.spec import Spec, load
from service.spec.errors import UserError, nearest


def snapshot(spec: Spec, store: Store) -> list[PastRecord]:
    """What ``search.warm_start`` names, copied: later the sweeps may go on or be removed. Newer plans come first.

    Real and simulated sweeps alike, over or not; their values of the metric of ``spec`` at the ends of stages, of
    which ``metric.goal`` of ``spec`` says which are better.

    Raises:
        UserError: there is no such sweep, it has no report that says anything, or nothing in common with ``spec``.
    """
    return [record for name in spec.search.warm_start for record in _copied(spec, store, name)]


def taught(spec: Spec, records: Iterable[PastRecord]) -> list[Past]:
    """The pasts that were copied for the sweep of ``spec``."""
    return [Past(r.name, [_observation(trial) for trial in r.trials], spec.metric.goal) for r in records]


def earlier(spec: Spec, rounds: Mapping[int, Sequence[Observation]]) -> list[Past]:
    """The earlier ``rounds`` of the sweep of ``spec``, by number; those with the same stages are one past."""
    plans: dict[int, list[Observation]] = {}
    for number, observations in sorted(rounds.items()):
        plans.setdefault(spec.plan_number(number), []).extend(observations)
    return [Past(f"rounds of plan {plan}", told, spec.metric.goal, SAME) for plan, told in plans.items()]


def _copied(spec: Spec, store: Store, name: str) -> list[PastRecord]:
    record = store.sweep(name)
    known = load(record.spec)
    _check_parameters(spec, known)
    values = _values(spec, store, name)
    plans: dict[int, list[PastTrial]] = {}
    for trial in store.trials(name):
        if trial.number in values or trial.state == "FAILED":
            kept = PastTrial(trial.number, trial.config, trial.state, values.get(trial.number, {}))
            plans.setdefault(known.plan_number(trial.round), []).append(kept)
    told = [trial for trials in plans.values() for trial in trials if trial.values]
    if not any(coordinates(spec.space, trial.config) for trial in told):
        shared = ", ".join(_shared(spec, known))
        raise UserError(
            f"search.warm_start: no config of sweep {name} lies in this space, by {shared}",
            "widen the bounds and choices, or leave it out",
        )
    return [PastRecord(name, plan, plans[plan]) for plan in sorted(plans, reverse=True)]


def _check_parameters(spec: Spec, known: Spec) -> None:
    if _shared(spec, known):
        return
    ours, theirs = (", ".join(p.name for p in one.space.parameters) or "none" for one in (spec, known))
    raise UserError(
        f"search.warm_start: sweep {known.name} has no parameter in common with this one: it searches {theirs}, "
        f"this one {ours}",
        "give what is the same thing the same name, or leave it out",
    )


def _shared(spec: Spec, known: Spec) -> list[str]:
    theirs = {p.name for p in known.space.parameters}
    return [p.name for p in spec.space.parameters if p.name in theirs]


def _values(spec: Spec, store: Store, name: str) -> dict[int, dict[int, float | None]]:
    """The metric by trial and stage that it ended."""
    reports, metric = [report for report in store.reports(name) if report.stage_end], spec.metric.name
    if not reports:
        raise UserError(
            f"search.warm_start: no trial of sweep {name} has ended a stage yet", "wait for it, or leave it out"
        )
    metrics = {reported for report in reports for reported in report.metrics}
    if metric not in metrics:
        raise UserError(
            f"search.warm_start: sweep {name} reports no {metric}{nearest(metric, metrics)}, only "
            f"{', '.join(sorted(metrics))}",
            "set metric.name to one of these, or leave it out",
        )
    values: dict[int, dict[int, float | None]] = {}
    for report in reports:
        value = report.metrics.get(metric, math.nan)
        values.setdefault(report.trial, {})[report.stage] = value if math.isfinite(value) else None
    return values


def _observation(trial: PastTrial) -> Observation:
    values = {stage: math.nan if value is None else value for stage, value in trial.values.items()}
    return Observation(trial.number, trial.config, trial.state, values)
