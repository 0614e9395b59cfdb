"""A whole sweep in virtual time, round by round."""

from __future__ import annotations

from collections.abc import Sequence

from service.engine.curves import Curves
from service.engine.simulation.event_loop import EventLoop
from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.outcome import Simulation
from service.engine.simulation.trial_table import Table
from service.engine.simulation.world import World
from service.engine.state.rounds import Round, opening, spec_of_round
from service.engine.state.warm_start import earlier
from service.ledger.records import SpaceRecord
from service.policy.limits import outcome
from service.policy.search.warm_start.past import Past
from service.spec import Spec


def simulate(
    spec: Spec,
    curves: Curves,
    options: SimulationOptions | None = None,
    foreign: type | None = None,
    pasts: Sequence[Past] = (),
) -> Simulation:
    """Run the sweep of ``spec`` against ``curves`` in virtual time; nothing is trained, written or waited for.

    The policy is that of a real sweep, asked in the same way. With a finite set of configs a proposal is snapped to the
    nearest that no trial had yet, and the search is over when all are used. Pausing and resuming cost nothing. The same
    arguments give the same simulation, unless decisions are charged. ``foreign`` is the class of the searcher where
    ``spec`` names one of the user's own, ``pasts`` what its warm start has to learn from.

    Raises:
        SpecError: the options make no valid spec.
        UserError: the source of the curves gives something else than measurements.
    """
    world, spaces = World(curves, options or SimulationOptions(), foreign, pasts), list[SpaceRecord]()
    spec = world.options.applied(spec)
    if spec.rounds.count == 1:
        spec = world.limited(spec) or spec
    tables: list[Table] = []
    over = None
    while over is None and (round := _following(spec, tables, spaces, world)) is not None:
        loop = EventLoop(spec, round, world)
        over = loop.run()
        tables.append(loop.table)
        world.lessons = [*pasts, *earlier(spec, dict(enumerate(table.observations() for table in tables)))]
    trials = [row for table in tables for row in table.trials.values()]
    return Simulation(
        spec=spec,
        ending=over or outcome(spec, [trial.state for trial in trials], trials[-1].why if trials else ""),
        seconds=world.now,
        trials=trials,
        reports=[report for table in tables for report in table.reports],
        decisions=[decision for table in tables for decision in table.decisions],
        spaces=spaces,
        worth=[record for table in tables for record in table.worth],
        latencies=world.latencies,
        exhausted=world.exhausted,
        notes=curves.notes,
    )


def _following(spec: Spec, tables: Sequence[Table], spaces: list[SpaceRecord], world: World) -> Round | None:
    """The round after those of ``tables``, its space in ``spaces``; None if there is none, or nothing to build on."""
    number, before = len(tables), len(world.past)
    if number == spec.rounds.count or before == spec.budget.trials:
        return None
    if number > 0:
        table = tables[-1].observations()
        space = opening(spec, number, spaces, table, world.now) if any(o.values for o in table) else None
        if space is None:
            return None
        spaces.append(space)
    limited = world.limited(spec_of_round(spec, number, spaces, before))
    return None if limited is None else Round(number, limited, before)
