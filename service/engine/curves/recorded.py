"""Recorded curves: a finite set of configs, each with its reports."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.engine.curves import Measurement
from service.spec import Spec
from service.spec.errors import SpecError, UserError
from trainables.stages import Plan, Stage

Fidelity = tuple[float, int | None, int]
"""(fraction of the data, number of classes or None, epoch): what decides a measurement besides the config."""

Points = Mapping[Fidelity, Measurement]


@dataclass(frozen=True)
class Recorded:
    """The curves of ``configs`` (flat); ``points`` has, by the key of each config, its measurements."""

    configs: Sequence[Mapping[str, Any]]
    points: Mapping[str, Points]
    notes: Sequence[str] = field(default_factory=tuple)

    def epoch(self, config: Mapping[str, Any], stage: Stage, epoch: int) -> Measurement | None:
        return self.points[key(config)].get(fidelity(stage.data, stage.classes, epoch))


def recorded(spec: Spec, curves: Iterable[tuple[Mapping[str, Any], Points]], source: str) -> Recorded:
    """The ``curves`` (raw flat config, measurements) that can stand in for trials of ``spec``.

    A config outside the space is left out; of several curves of one config the longest stays. Both are noted.

    Raises:
        UserError: the configs are not those of the space, none lies in it, or no curve comes to the end of a stage.
    """
    configs: dict[str, dict[str, Any]] = {}
    points: dict[str, Points] = {}
    outside, repeated = [], 0
    for raw, curve in curves:
        try:
            config = fitted(spec, raw, source)
        except SpecError as error:
            outside.append(error.violations[0])
            continue
        name, measured = key(config), filled(curve, spec.plans)
        repeated += name in configs
        if name not in configs or len(measured) > len(points[name]):
            configs[name], points[name] = config, measured
    if not configs:
        why = f", the first by {outside[0].where}, which {outside[0].message}" if outside else ""
        raise UserError(
            f"{source}: none of its {len(outside)} configs lies in the space{why}",
            "simulate with the parameters that it was recorded with, or narrower ones",
        )
    for plan in spec.plans:
        _check_stages(plan, points.values(), source)
    notes = []
    if outside:
        notes.append(f"{len(outside)} recorded configs lie outside the space and are left out")
    if repeated:
        notes.append(f"{repeated} curves repeat a config: the longest of each stays")
    return Recorded(list(configs.values()), points, notes)


def fitted(spec: Spec, raw: Mapping[str, Any], source: str) -> dict[str, Any]:
    """The recorded config ``raw`` as the space of ``spec`` writes it; what conditions turn off is left out.

    Raises:
        SpecError: a value lies outside the space.
        UserError: a parameter is unknown, or an active one missing.
    """
    space = spec.space
    known = {p.name: p for p in space.parameters}
    unknown = [name for name in raw if name not in known and name not in space.constants]
    if unknown:
        raise UserError(
            f"{source}: its configs have {', '.join(unknown)}, which the spec has not",
            "add it to parameters, as it was when the curves were recorded",
        )
    given = {name: value for name, value in raw.items() if value is not None}
    active = {parameter.name for parameter in space.active(given)}
    missing = sorted(active - given.keys())
    if missing:
        raise UserError(
            f"{source}: the config {dict(given)} has no {', '.join(missing)}",
            "record every parameter that applies, or leave the row out",
        )
    values = space.check({name: value for name, value in given.items() if name in active or name not in known})
    return space.prune(values)


def filled(points: Points, plans: Iterable[Plan]) -> dict[Fidelity, Measurement]:
    """``points`` as curves along the stages of ``plans``, each up to its last recorded epoch.

    Earlier epochs that were not recorded share the seconds of the next recorded one of their stage, which cover them.
    """
    curve: dict[Fidelity, Measurement] = {}
    for plan in plans:
        for index in range(len(plan)):
            curve.update(_along(plan, index, points))
    return curve


def fidelity(data: float, classes: int | None, epoch: int) -> Fidelity:
    """The fidelity of an epoch; fractions are the same when they are to nine digits."""
    return round(data, 9), classes, epoch


def key(config: Mapping[str, Any]) -> str:
    """A config as text, the same for equal configs."""
    return json.dumps(config, sort_keys=True)


def _along(plan: Plan, index: int, points: Points) -> dict[Fidelity, Measurement]:
    """The epochs of one stage."""
    stage, first = plan[index], plan.first_epoch(index)
    curve: dict[Fidelity, Measurement] = {}
    silent: list[Fidelity] = []
    for epoch in range(first + 1, first + stage.epochs + 1):
        place = fidelity(stage.data, stage.classes, epoch)
        silent.append(place)
        if place in points:
            share = points[place].seconds / len(silent)
            curve.update({other: Measurement({}, share) for other in silent})
            curve[place] = Measurement(points[place].metrics, share)
            silent = []
    return curve


def _check_stages(plan: Plan, curves: Iterable[Points], source: str) -> None:
    """Whether some curve comes to the end of each stage."""
    reached = {place for curve in curves for place in curve}
    for index, stage in enumerate(plan.stages):
        end = plan.first_epoch(index) + stage.epochs
        if fidelity(stage.data, stage.classes, end) not in reached:
            classes = f", classes {stage.classes}" if stage.classes else ""
            raise UserError(
                f"{source}: no config is recorded up to the end of stage {index} (data {stage.data:g}{classes}, "
                f"epoch {end})",
                "simulate with stages that were recorded, or record these",
            )
