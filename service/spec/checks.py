"""Rules of a spec between its sections, checked for those sections that are valid by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from service.spec.errors import SpecError, Violation
from service.spec.models import AUTO, Resources, Rounds, Search, Section, StageSpec
from service.spec.space.space import Space
from service.spec.transfer import check_transfer
from trainables.stages import Plan, PlanError, Stage

S = TypeVar("S", bound=Section)

MOST_STAGES = 100
"""Most stages of a plan: each is a rung, and some computations take the cube of their number."""

MOST_FAULTS = 100
"""Most violations of initial configs that are listed, as their number may be the square of the spec's size."""


def check(data: Mapping[str, Any], space: Space | None) -> list[Violation]:
    """Every violation of rules between sections in raw ``data``; ``space`` is None where it could not be parsed."""
    search = _section(Search, data.get("search", {}))
    faults = [*_check_stages(data.get("stages"), "stages"), *_check_rounds(data.get("rounds"))]
    if space is not None:
        faults += check_transfer(data.get("transfer"), space)
    if space is not None and search is not None:
        faults += _check_search(search, space)
    if search is not None:
        faults += _check_warm_start(search, data.get("name"))
    return faults + _check_resources(_section(Resources, data.get("resources", {})))


def _check_resources(resources: Resources | None) -> list[Violation]:
    """Each of several processes has one GPU of its own, or none."""
    if resources is None or resources.processes == 1 or resources.gpu in (0, resources.processes):
        return []
    many, gpu = resources.processes, resources.gpu
    if gpu == AUTO:
        message = f"is auto, which shares one GPU among trials, but workers is {many}"
        cure = f"write gpu: {many} or leave workers out"
    else:
        message = f"is {gpu:g} for {many} workers, of which each drives one GPU or none"
        cure = f"write gpu: {many}, or workers: {max(1, int(gpu))}"
    return [Violation("resources/gpu", None, f"{message}; {cure}")]


def _check_rounds(raw: Any) -> list[Violation]:
    faults: list[Violation] = []
    plans = raw.get("stages") if isinstance(raw, Mapping) else None
    if isinstance(plans, Sequence) and not isinstance(plans, str):
        for index, stages in enumerate(plans):
            faults += _check_stages(stages, f"rounds/stages/{index}")
    rounds = _section(Rounds, raw)
    if rounds is not None and len(rounds.stages) >= rounds.count > 1:
        many = len(rounds.stages)
        message = f"has {many} plans, one for each round after the first, but count is {rounds.count}"
        faults.append(Violation("rounds/stages", None, f"{message}; raise it to {many + 1} or leave some out"))
    return faults


def _check_stages(stages: Any, where: str) -> list[Violation]:
    if not isinstance(stages, Sequence) or isinstance(stages, str):
        return []  # A wrong type is reported with the section itself.
    faults: list[Violation] = []
    kept: tuple[Stage, ...] = ()
    if len(stages) > MOST_STAGES:
        return [Violation(where, None, f"has {len(stages)} stages, more than {MOST_STAGES}; leave some out")]
    for index, raw in enumerate(stages):
        if (section := _section(StageSpec, raw)) is None:
            continue
        try:
            kept = Plan((*kept, section.stage)).stages
        except PlanError as error:
            faults.append(Violation(f"{where}/{index}/{error.field}", None, str(error)))
    if not stages:
        faults.append(Violation(where, None, "is empty; a plan needs at least one, e.g. {data: 1.0, epochs: 10}"))
    return faults


def _check_search(search: Search, space: Space) -> list[Violation]:
    faults: list[Violation] = []
    for index, partial in enumerate(search.initial):
        if len(faults) >= MOST_FAULTS:
            faults.append(Violation("search/initial", None, f"is not looked at beyond {index}; mend these first"))
            break
        try:
            space.check(partial)
        except SpecError as error:
            faults += [fault.under(f"search/initial/{index}") for fault in error.violations]
    if search.algorithm == "grid":
        try:
            space.check_grid()
        except SpecError as error:
            faults += error.violations
        return faults
    cure = f"only search: {{algorithm: grid}} does; for {search.algorithm} write choice"
    return faults + [
        Violation(f"parameters/{p.name}", None, f"grid_search asks for every value, which {cure}")
        for p in space.parameters
        if p.kind == "grid_search"
    ]


def _check_warm_start(search: Search, name: Any) -> list[Violation]:
    faults: list[Violation] = []
    known: set[str] = set()
    for index, past in enumerate(search.warm_start):
        where = f"search/warm_start/{index}"
        if past == name:
            faults.append(Violation(where, None, f"is {past!r}, this sweep itself; name sweeps that ran before"))
        elif past in known:
            faults.append(Violation(where, None, f"is {past!r} again; name each sweep once"))
        known.add(past)
    return faults


def _section(model: type[S], raw: Any) -> S | None:
    try:
        return model.model_validate(raw)
    except ValidationError:
        return None
