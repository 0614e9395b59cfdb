"""From a spec and a source of curves to a simulated sweep in the ledger."""

from __future__ import annotations

import getpass
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from service.engine.curves import source as sources
from service.engine.simulation.options import UNLIMITED, SimulationOptions
from service.engine.simulation.outcome import Simulation
from service.engine.simulation.simulate import simulate
from service.engine.state.metric_name import check_metric
from service.engine.state.user_searcher import foreign
from service.engine.state.warm_start import snapshot, taught
from service.ledger.home import open_store
from service.ledger.records import Batch, SweepRecord
from service.ledger.store import simulated
from service.ledger.store.store import Store
from service.policy.search.warm_start.past import Past
from service.spec import Source, Spec, load
from service.spec.errors import UserError
from service.spec.yaml_file.document import read_file

SUFFIX = "-simulated"


@dataclass(frozen=True)
class SimulatedSubmission:
    """What to simulate: the spec's ``source``, or the name of a sweep whose spec it is; the source of the ``curves``.

    ``name`` is the name in the ledger; None: the spec's, or that with `SUFFIX` where a real sweep has it.
    """

    source: Source
    curves: sources.Source
    name: str | None = None


def submit(submission: SimulatedSubmission, options: SimulationOptions, home: Path) -> Simulation:
    """Simulate, and write the sweep to the ledger of ``home`` in place of a simulated one of its name.

    With a budget in seconds, one round, and no number of trials in ``options`` or in the spec's source, trials are not
    limited.

    Raises:
        SpecError: the spec breaks a rule.
        UserError: the curves are not to be had, or the name belongs to a real sweep or is that of the curves.
    """
    store = open_store(home)
    source, project = _known(submission.source, store)
    spec = load(source)
    spec = load(spec.to_dict() | {"name": _name(submission, spec, store)})
    check_metric(spec)
    unlimited = options.budget_seconds is not None and options.trials is None and spec.rounds.count == 1
    lifted = unlimited and not _names_trials(source)
    curves = sources.open_curves(spec, submission.curves, store)
    began = time.time()
    chosen = replace(options, trials=UNLIMITED) if lifted else options
    simulation = simulate(spec, curves, chosen, foreign(spec, project), _pasts(submission, spec, store))
    if lifted:
        simulation = _unlimited(simulation)
    simulated.write(open_store(home, create=True), _sweep(simulation, project, began), _batch(simulation))
    return simulation


def _known(source: Source, store: Store) -> tuple[Source, str]:
    """The spec and project of the sweep that ``source`` names, where there is no such file; else it and this folder."""
    if isinstance(source, str) and not Path(source).exists():
        for sweep in store.sweeps():
            if sweep.name == source:
                return sweep.spec, sweep.project
    return source, str(Path.cwd())


def _pasts(submission: SimulatedSubmission, spec: Spec, store: Store) -> list[Past]:
    """What the spec's warm start says now, or said when the sweep was submitted whose spec it is."""
    known = str(submission.source) in {sweep.name for sweep in store.sweeps()}
    copied = store.pasts(str(submission.source)) if known else []
    return taught(spec, copied or snapshot(spec, store))


def _name(submission: SimulatedSubmission, spec: Spec, store: Store) -> str:
    origin = str(submission.curves)
    taken = {sweep.name for sweep in store.sweeps() if not sweep.simulated or sweep.name == origin}
    name = submission.name or (f"{spec.name}{SUFFIX}" if spec.name in taken else spec.name)
    if name not in taken:
        return name
    whose = "the sweep that the curves come from" if name == origin else "a real sweep"
    raise UserError(f"{name} is the name of {whose}", "choose another with --name")


def _names_trials(source: Source) -> bool:
    """Whether a person said how many trials there are: a spec that was loaded already has a number always."""
    if isinstance(source, Spec):
        return True
    raw = source if isinstance(source, Mapping) else read_file(Path(source)).data
    search = raw.get("search") if isinstance(raw, Mapping) else None
    return isinstance(search, Mapping) and search.get("trials") is not None


def _unlimited(simulation: Simulation) -> Simulation:
    """The simulation with the number of trials that there were in its spec, as none was planned."""
    raw = simulation.spec.to_dict()
    raw["search"]["trials"] = max(1, len(simulation.trials))
    note = f"the spec names no trials: as many as the time allows, {len(simulation.trials)} began"
    return replace(simulation, spec=load(raw), notes=(note, *simulation.notes))


def _sweep(simulation: Simulation, project: str, began: float) -> SweepRecord:
    return SweepRecord(
        name=simulation.spec.name,
        spec=simulation.spec.to_dict(),
        project=project,
        owner=getpass.getuser(),
        state=simulation.ending.state,
        created=began,
        why=simulation.ending.why,
        attempt=1,
        started=began,
        finished=time.time(),
        seconds=simulation.seconds,
        simulated=True,
    )


def _batch(simulation: Simulation) -> Batch:
    return Batch(simulation.trials, simulation.reports, simulation.decisions, simulation.spaces, simulation.worth)
