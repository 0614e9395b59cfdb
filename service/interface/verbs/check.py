"""``sieve check``: whether a sweep's task is sound, before it costs anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from service.interface.terminal import verb_options

if TYPE_CHECKING:
    from service.engine.preflight import Finding, Report
    from service.spec import Spec

COLORS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@click.argument("file")
@click.option("--find-lr", is_flag=True, help="Instead: ramp the learning rate up, draw the loss, suggest a range.")
@click.option("--find-batch", is_flag=True, help="Instead: double the batch until nothing is gained, suggest a size.")
@click.option("--seconds", type=click.FloatRange(min=1), default=20.0, show_default=True, help="About how long to try.")
@verb_options.output
@verb_options.home
def check(file: str, find_lr: bool, find_batch: bool, seconds: float, output: str, home: Path) -> None:
    """Check a sweep's task on the resources of a trial.

    It trains for some steps and says what is wrong, with the evidence and the cure. Exits with 1 if anything fails.
    """
    from service.spec import load

    spec = load(file)
    if find_lr:
        _find_lr(spec, file, seconds, output, home)
    if find_batch:
        _find_batch(spec, file, seconds, output)
    if not (find_lr or find_batch):
        _check(spec, file, seconds, output)


def _check(spec: Spec, file: str, seconds: float, output: str) -> None:
    from service.engine.preflight.examination import thorough
    from service.interface.text import tables

    report = thorough(spec, str(Path.cwd()), file, seconds)
    click.echo(describe(report) if output == "table" else tables.render(report.rows(), output))
    if not report:
        raise SystemExit(1)


def describe(report: Report) -> str:
    """A line per finding, one for the cure of each that is not ok, and one for all."""
    failed, warned = len(report.failures), len(report.warnings)
    verdict = f"{failed} failed, {warned} to look at" if failed or warned else "all is well"
    return "\n".join([*map(_lines, report), verdict])


def _lines(finding: Finding) -> str:
    line = f"{click.style(f'{finding.level:4}', fg=COLORS[finding.level])}  {finding.name}: {finding.evidence}"
    return f"{line}\n      → {finding.cure}" if finding.cure else line


def _find_lr(spec: Spec, file: str, seconds: float, output: str, home: Path) -> None:
    from service.engine.preflight import rates
    from service.engine.preflight.examination import find_lr
    from service.interface.pages import ramp
    from service.interface.text import tables

    found = find_lr(spec, str(Path.cwd()), file, seconds)
    steps = zip(found.rates, found.losses, found.smoothed, strict=True)
    if output != "table":
        click.echo(tables.render([dict(zip(("lr", "loss", "smoothed"), row, strict=True)) for row in steps], output))
        return
    advice = _advice(rates.suggested(found), len(found.rates))
    click.echo(advice)
    try:
        page = home / "reports" / f"{spec.name}-lr.html"
        click.echo(f"drawn: {ramp.write(page, spec.name, found.rates, found.losses, found.smoothed, advice)}")
    except OSError as error:
        click.echo(f"warning: no page ({error}); choose another folder with --home", err=True)


def _advice(suggested: Sequence[float] | None, steps: int) -> str:
    if suggested is None:
        return (
            f"the loss fell nowhere clearly in {steps} steps: `sieve check` says whether the task can learn at all; "
            "a larger batch_size makes the ramp less noisy"
        )
    low, high = suggested
    return f"lr: {{loguniform: [{low:g}, {high:g}]}}  # from a ramp of {steps} steps, for the spec's parameters"


def _find_batch(spec: Spec, file: str, seconds: float, output: str) -> None:
    from service.engine.preflight import rates
    from service.engine.preflight.examination import find_batch
    from service.interface.text import tables

    timed = find_batch(spec, str(Path.cwd()), file, seconds)
    if output != "table":
        click.echo(tables.render([asdict(one) for one in timed], output))
        return
    rows = [
        {
            "batch_size": one.size,
            "examples/s": one.rate if one.rate is None else round(one.rate),
            "MB": one.peak_bytes and one.peak_bytes >> 20,
        }
        for one in timed
    ]
    click.echo(tables.render(rows, empty="fewer than 8 training examples: nothing to try"))
    best = rates.best_batch(timed)
    if best is not None:
        click.echo(f"batch_size: {best}  # the smallest that is nearly as fast as the fastest")


VERBS = (check,)
