"""``sieve simulate``: a sweep in virtual time against recorded curves."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.interface.terminal import verb_options
from service.interface.text import tables

if TYPE_CHECKING:
    from service.engine.simulation.outcome import Simulation
    from service.ledger.records import WorthRecord
    from service.ledger.results.status import Status

SETTINGS = (
    click.option("--workers", type=click.IntRange(min=1), help="Trials at once.  [default: max_concurrent, else 8]"),
    click.option("--trials", type=click.IntRange(min=1), help="Instead of search.trials."),
    click.option("--budget-seconds", type=click.FloatRange(min=0, min_open=True), help="Virtual; for budget.time."),
    click.option("--seed", type=click.IntRange(min=0), help="Instead of search.seed."),
    click.option("--crash-rate", type=click.FloatRange(0, 1), default=0.0, help="Probability that an epoch is lost."),
    click.option("--stragglers", type=click.FloatRange(min=0), default=0.0, help="Deviation of the slowness."),
    click.option("--charge-decisions", is_flag=True, help="Let the real time of decisions pass."),
)


def settings(verb: Any) -> Any:
    """The options of the world that is simulated; they arrive as keywords with the names of `SimulationOptions`."""
    for option in reversed(SETTINGS):
        verb = option(verb)
    return verb


@click.command()
@click.argument("spec")
@click.option("--curves", required=True, help="A sweep's name, a .parquet file, or FILE.py:FUNCTION.")
@click.option("--name", help="In the ledger.  [default: the spec's; with -simulated where a real sweep has it]")
@settings
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True)
@verb_options.home
def simulate(spec: str, curves: str, name: str | None, output: str, home: Path, **world: Any) -> None:
    """Run a sweep in virtual time against recorded curves.

    Nothing is trained. SPEC is a file, or the name of a sweep whose spec it is. The result is a sweep like any other,
    for trials, history, best, report and export; a simulated one of the same name is written over.
    """
    from service.engine.simulation.options import SimulationOptions
    from service.engine.simulation.submit_simulated import SimulatedSubmission, submit
    from service.interface.source.local import LocalSource

    began = time.perf_counter()
    chosen = SimulationOptions.of(world)
    simulation = submit(SimulatedSubmission(spec, curves, name), chosen, home)
    wall = time.perf_counter() - began
    source = LocalSource(home)
    status = source.status(simulation.spec.name)
    best = source.rows(simulation.spec.name, "best")
    told = summary(simulation, status, chosen.slots(simulation.spec)) | {"wall": wall}
    if output == "json":
        click.echo(tables.as_json(told | {"best": best[0] if best else None}))
    else:
        leaders = tables.leaders(best, "best: no trial climbed every stage")
        click.echo("\n".join([*_lines(told, status, simulation.worth), "", leaders]))
    if simulation.ending.state == "FAILED":
        raise SystemExit(1)


def summary(simulation: Simulation, status: Status, workers: int) -> dict[str, Any]:
    """The result of a simulation as plain data: times in seconds, budgets in full-data epoch equivalents."""
    return {
        "sweep": simulation.spec.name,
        "state": simulation.ending.state,
        "why": simulation.ending.why,
        "trials": len(simulation.trials),
        "reached_stages": [level.reached for level in status.funnel],
        "workers": workers,
        "seconds": simulation.seconds,
        "budget": status.used,
        "full_budget": status.full,
        "curves_exhausted": simulation.exhausted,
        "decisions": {kind: _latency(calls) for kind, calls in simulation.latencies.items()},
        "notes": list(simulation.notes),
    }


def _latency(calls: Sequence[float]) -> dict[str, Any]:
    """Median and 99th percentile of the seconds of ``calls``; None without any."""
    ordered = sorted(calls)
    p99 = ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))] if ordered else None
    return {"calls": len(ordered), "median": statistics.median(ordered) if ordered else None, "p99": p99}


def _lines(told: dict[str, Any], status: Status, worth: Sequence[WorthRecord]) -> list[str]:
    from service.interface.text import status_view

    reached = ", ".join(f"{count} reached stage {stage}" for stage, count in enumerate(told["reached_stages"]))
    decisions = "; ".join(f"{kind} {_spoken(latency)}" for kind, latency in told["decisions"].items())
    lines = [
        f"{told['sweep']} {told['state']} (simulated): {told['why']}",
        f"{told['trials']} trials: {reached}",
        f"virtual time {tables.duration(told['seconds'])} with {told['workers']} workers",
        status_view.budget(status),
        *status_view.appraised(worth),
        f"decisions: {decisions}; all in all {told['wall']:.2f} s of real time",
    ]
    if told["curves_exhausted"]:
        lines.append(f"{told['curves_exhausted']} trials were stopped where their recorded curve ends")
    return lines + [f"note: {note}" for note in told["notes"]]


def _spoken(latency: dict[str, Any]) -> str:
    if not latency["calls"]:
        return "not asked"
    return f"median {1000 * latency['median']:.3g} ms, p99 {1000 * latency['p99']:.3g} ms ({latency['calls']} calls)"


VERBS = (simulate,)
