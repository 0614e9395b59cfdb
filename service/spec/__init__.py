"""The spec of a sweep, its search space, and the errors for users. Imports neither Ray nor torch."""

from __future__ import annotations

from service.spec.errors import SieveError, SpecError, UserError, Violation, nearest
from service.spec.flat import flatten, nest
from service.spec.models import Budget, Checkpoints, Metric, Resources, Rounds, Schedule, Search, StageSpec, TaskFacts
from service.spec.schema import json_schema
from service.spec.space.parameter import Parameter
from service.spec.space.space import Space
from service.spec.spec import Source, Spec, load

__all__ = [
    "Budget",
    "Checkpoints",
    "Metric",
    "Parameter",
    "Resources",
    "Rounds",
    "Schedule",
    "Search",
    "SieveError",
    "Source",
    "Space",
    "Spec",
    "SpecError",
    "StageSpec",
    "TaskFacts",
    "UserError",
    "Violation",
    "flatten",
    "json_schema",
    "load",
    "nearest",
    "nest",
]
