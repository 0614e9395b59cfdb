"""The report page: what a sweep found, as one HTML file that needs nothing else (no script, no network)."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from service.interface.pages.chart import COLORS, Series, chart
from service.interface.text import tables
from service.interface.text.status_view import caveat
from service.interface.text.tables import Row
from service.ledger import Results, Store
from service.ledger.home import report_file
from service.ledger.records import DecisionRecord, ReportRecord
from service.ledger.results.rows import is_in
from service.ledger.results.status import Status, comparable, ranked, snapshot
from service.spec import Spec, load

LISTED = 10
DRAWN = 3


@dataclass(frozen=True)
class Findings:
    """What the page is made of; ``rows`` are the trials as `Results.trial_rows` gives them.

    ``round`` is the best trial's; where rounds have stages of their own, ``reports`` are of its stages alone.
    """

    spec: Spec
    status: Status
    reports: Sequence[ReportRecord]
    rows: Sequence[Row]
    decisions: Sequence[DecisionRecord]
    written: float
    round: int = 0

    @property
    def climbed(self) -> Spec:
        """The spec with the stages of the round."""
        return self.spec.at(self.round)


def write(store: Store, name: str, home: Path) -> Path:
    """Writes the page of the sweep ``name`` to ``home/reports/<name>.html`` and returns that path.

    Raises:
        UnknownSweep: there is no such sweep.
        OSError: the file cannot be written.
    """
    now = time.time()
    sweep, reports, trials = store.sweep(name), store.reports(name), store.trials(name)
    spec, status = load(sweep.spec), snapshot(sweep, trials, reports, now)
    round = next((t.round for t in trials if status.best and t.number == status.best.trial), status.round)
    findings = Findings(
        spec=spec,
        status=status,
        reports=comparable(spec, trials, reports, round),
        round=round,
        rows=Results(store).trial_rows(name),
        decisions=store.decisions(name),
        written=now,
    )
    path = report_file(home, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(findings), encoding="utf-8")
    return path


def page(findings: Findings) -> str:
    """The page as HTML; a pure function of ``findings``."""
    leaders = [report.trial for report in _leaders(findings)]
    rows = {row["trial"]: row for row in findings.rows}
    best, shared = tables.brief([rows[trial] for trial in leaders[:LISTED]])
    environment = Environment(
        loader=PackageLoader("service.interface.pages", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters |= {"cell": tables.cell, "duration": tables.duration, "caveat": caveat}
    environment.tests["number"] = tables.is_number
    return environment.get_template("report.html").render(
        spec=findings.spec,
        status=findings.status,
        best=best,
        columns=[name for name in tables.columns(best) if name not in tables.PROSE],
        shared=shared,
        reasons={trial: _reasons(rows[trial], findings.decisions) for trial in leaders[:LISTED]},
        failed=[row for row in findings.rows if is_in(row, "FAILED")],
        progress=progress(findings.climbed, findings.reports),
        curves=curves(findings.climbed, findings.reports, leaders[:DRAWN]),
        written=time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(findings.written)),
    )


def progress(spec: Spec, reports: Sequence[ReportRecord]) -> Markup:
    """The best value so far over the budget of the whole sweep, a line per stage: values compare at one rung only."""
    spent: dict[int, float] = {}
    total = 0.0
    best: dict[int, list[tuple[float, float]]] = {}
    better = max if spec.metric.goal == "maximize" else min
    for report in reports:
        total += report.budget - spent.get(report.trial, 0.0)
        spent[report.trial] = report.budget
        value = report.metrics.get(spec.metric.name, math.nan)
        if report.stage_end and math.isfinite(value):
            line = best.setdefault(report.stage, [])
            line.append((total, better(value, line[-1][1]) if line else value))
    series = [
        Series(f"best after stage {stage} ({spec.plan[stage].data:.4g} of the data)", line, stage % COLORS, step=True)
        for stage, line in sorted(best.items())
    ]
    return chart(series, "budget of the sweep in full-data epochs", spec.metric.name)


def curves(spec: Spec, reports: Sequence[ReportRecord], trials: Sequence[int]) -> Markup:
    """Training (dashed) and validation of ``trials`` over their epochs, on one axis, with the ends of the stages."""
    names = _pair(spec.metric.name, {name for report in reports for name in report.metrics})
    series = []
    for color, trial in enumerate(trials):
        own = [report for report in reports if report.trial == trial]
        for name in names:
            points = [(float(r.epoch), r.metrics[name]) for r in own if name in r.metrics]
            series.append(Series(f"trial {trial}: {name}", points, color, dashed=name.startswith("train_")))
    ends = [float(spec.plan.first_epoch(stage)) for stage in range(1, len(spec.plan.stages))]
    return chart(series, "epoch of the trial (dotted: a stage ends)", " and ".join(names), ends)


def _leaders(findings: Findings) -> list[ReportRecord]:
    best = findings.status.best
    target_stage = findings.spec.target_stage(findings.round)
    return ranked(findings.spec, findings.reports, best.stage, target_stage) if best else []


def _reasons(row: Row, decisions: Sequence[DecisionRecord]) -> list[str]:
    """The verdicts on the trial of ``row``, stage by stage, how it ended, and what is wrong with it if anything."""
    said = [decision.reason for decision in decisions if decision.trial == row["trial"]]
    return list(dict.fromkeys([*said, *filter(None, (row["why"], row.get("diagnosis")))]))


def _pair(metric: str, reported: set[str]) -> list[str]:
    """The metric's own training and validation names if both are reported, else those of the loss, else the metric."""
    for base in (metric.removeprefix("val_").removeprefix("train_"), "loss"):
        pair = [f"train_{base}", f"val_{base}"]
        if reported.issuperset(pair):
            return pair
    return [metric]
