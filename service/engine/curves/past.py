"""The curves of a past sweep, real or simulated: its ledger's reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.engine.curves import Measurement
from service.engine.curves.recorded import Fidelity, Points, Recorded, fidelity, recorded
from service.ledger.store.store import Store
from service.spec import Spec, load
from service.spec.errors import UserError, nearest


def read(spec: Spec, store: Store, name: str) -> Recorded:
    """What the sweep ``name`` reported, for the stages of ``spec``.

    Raises:
        UserError: there is no such sweep, or it did not report what ``spec`` needs.
    """
    source = f"sweep {name}"
    reports = store.reports(name)
    metrics = {metric for report in reports for metric in report.metrics}
    if not reports:
        raise UserError(f"{source} has no reports yet", "name another sweep, a .parquet file or a function")
    if spec.metric.name not in metrics:
        wanted = f"{spec.metric.name}{nearest(spec.metric.name, metrics)}"
        raise UserError(f"{source} reports no {wanted}, only {', '.join(sorted(metrics))}", "set metric.name to one")
    known, rounds = load(store.sweep(name).spec), {trial.number: trial.round for trial in store.trials(name)}
    points: dict[int, dict[Fidelity, Measurement]] = {}
    for report in reports:
        plan = known.plans[known.plan_number(rounds[report.trial])]
        place = fidelity(report.data, plan[report.stage].classes, report.epoch)
        points.setdefault(report.trial, {})[place] = Measurement(report.metrics, report.seconds)
    return recorded(spec, _curves(store, name, points), source)


def _curves(store: Store, name: str, points: Mapping[int, Points]) -> Iterator[tuple[dict[str, Any], Points]]:
    return ((trial.config, points[trial.number]) for trial in store.trials(name) if trial.number in points)
