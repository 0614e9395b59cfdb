"""Narrowing of a space: the space of the next round from the trials of one, with a reason for each change."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from service.policy.narrowing.judgement import FEWEST, Judgement, judge
from service.policy.observation import Observation, ranking
from service.spec.space.parameter import Parameter, When
from service.spec.space.space import Space


@dataclass(frozen=True)
class Change:
    """The change of one parameter, or of a constant with a condition.

    ``old`` and ``new`` are samplers in YAML form such as ``{"loguniform": [0.001, 1.0]}``, equal where nothing changed;
    ``new`` is None if the parameter was removed, as its condition can no longer hold.
    """

    parameter: str
    old: Mapping[str, Any]
    new: Mapping[str, Any] | None
    reason: str


@dataclass(frozen=True)
class Narrowed:
    """The ``space`` of the next round, and a `Change` for each parameter in the order of the old space."""

    space: Space
    changes: tuple[Change, ...]


def narrow(space: Space, observations: Sequence[Observation], goal: str, keep: float = 0.25) -> Narrowed:
    """The space of the next round: ``space`` narrowed around the good trials of one round, by the rules of `judgement`.

    Good trials are the best fraction ``keep`` of those that ended a stage or failed, by `ranking`; a conditional
    parameter is judged by the trials that have it. ``goal`` is maximize or minimize; the configs lie in ``space``.
    Deterministic.
    """
    ranked = ranking(observations, goal)
    judged = {parameter.name: _judged(parameter, ranked, keep) for parameter in space.parameters}
    parameters = {p.name: replace(p, args=judged[p.name].args) for p in space.parameters}
    whens = _reachable({**{n: p.when for n, p in parameters.items()}, **space.conditions}, parameters)
    kept = {name: replace(p, when=whens[name]) for name, p in parameters.items() if name in whens}
    lost = [name for name in space.conditions if name not in whens]
    changes = [_change(p, kept.get(p.name), judged[p.name].reason) for p in space.parameters]
    changes += [Change(name, {"constant": space.constants[name]}, None, GONE) for name in lost]
    constants = {name: value for name, value in space.constants.items() if name not in lost}
    conditions = {name: whens[name] for name in space.conditions if name in whens}
    return Narrowed(Space(tuple(kept.values()), constants, conditions), tuple(changes))


GONE = "applied only beside values that are gone"


def _judged(parameter: Parameter, ranked: Sequence[Observation], keep: float) -> Judgement:
    name = parameter.name
    having = [o for o in ranked if name in o.config]
    sound = [o for o in having if o.state != "FAILED" and math.isfinite(o.values[o.stage])]
    count = min(math.ceil(keep * len(having)), len(sound))
    if count < FEWEST:
        return Judgement(parameter.args, f"only {count} of {len(having)} trials are good ones, {FEWEST} would tell")
    values = [o.config[name] for o in sound[:count]]
    chosen = {o.trial for o in sound[:count]}
    return judge(parameter, values, [o.config[name] for o in having if o.trial not in chosen])


def _reachable(whens: Mapping[str, When], parameters: Mapping[str, Parameter]) -> dict[str, When]:
    """The conditions that can still hold, by the name they belong to, without values that were removed."""
    kept = dict(whens)
    while True:
        alive: dict[str, When] = {}
        for name, when in kept.items():
            possible = {
                other: tuple(v for v in values if other in kept and _holds(parameters[other], v))
                for other, values in when.items()
            }
            if all(possible.values()):
                alive[name] = possible
        if len(alive) == len(kept):
            return alive
        kept = alive


def _holds(parameter: Parameter, value: Any) -> bool:
    try:
        parameter.sampler.cast(value)
    except ValueError:
        return False
    return True


def _change(old: Parameter, new: Parameter | None, reason: str) -> Change:
    before = {old.kind: list(old.args)}
    return Change(old.name, before, {new.kind: list(new.args)} if new else None, reason if new else GONE)
