"""The JSON schema of a spec file, for completion and checks in editors."""

from __future__ import annotations

from typing import Any

from service.spec.space.kinds import KINDS, Kind
from service.spec.space.parse import CONSTANT, RESERVED, WHEN
from service.spec.spec import Spec
from service.spec.stage_plan.planning import WRITTEN

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_PARAMETER = {"$ref": "#/$defs/Parameter"}
_WHEN = {
    "description": "applies only while each named parameter has one of these values",
    "type": "object",
    "minProperties": 1,
}


def json_schema() -> dict[str, Any]:
    """The JSON schema (draft 2020-12) of a spec file, with the samplers of parameters.

    All that it refuses, `load` refuses, too. Rules between values (order of bounds, growing stages) are in `load` only.
    """
    schema = Spec.model_json_schema()
    definitions = schema.pop("$defs")
    definitions["Parameter"] = _parameter()
    schema["properties"]["parameters"] = {
        "description": "the search space: a sampler, a constant or a folder of further parameters for each name",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": _PARAMETER,
    }
    listed = schema["properties"]["stages"]
    words = f"{listed.pop('description')}; or auto, or the epochs of a full training: then Sieve makes the plan"
    listed.pop("default")
    schema["properties"]["stages"] = {"description": words, "anyOf": [listed, *WRITTEN]}
    return {
        "$schema": DIALECT,
        "title": "Sieve sweep",
        **_without_titles(schema),
        "description": "a hyperparameter sweep: its task, search space, stages, searcher, scheduler and limits",
        "$defs": _without_titles(definitions),
    }


def _parameter() -> dict[str, Any]:
    samplers = [_sampler(name, _arguments(kind)) for name, kind in KINDS.items()]
    constant = _sampler(CONSTANT, {"description": "one value for every trial"})
    folder = {
        "type": "object",
        "propertyNames": {"not": {"enum": sorted(RESERVED)}},
        "additionalProperties": _PARAMETER,
    }
    return {"anyOf": [{"type": ["string", "number", "boolean", "null"]}, *samplers, constant, folder]}


def _sampler(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [name],
        "properties": {name: arguments, WHEN: _WHEN},
        "additionalProperties": False,
    }


def _arguments(kind: Kind) -> dict[str, Any]:
    if not kind.arguments:
        return {"description": "the values", "type": "array", "minItems": 1}
    note = f"; {kind.note}" if kind.note else ""
    return {
        "description": f"[{', '.join(kind.arguments)}]{note}",
        "type": "array",
        "items": {"type": "integer" if kind.number is int else "number"},
        "minItems": len(kind.arguments) - len(kind.defaults),
        "maxItems": len(kind.arguments),
    }


def _without_titles(node: Any) -> Any:
    """``node`` without pydantic's titles, which editors would show instead of the descriptions."""
    if isinstance(node, dict):
        return {key: _without_titles(value) for key, value in node.items() if key != "title" or isinstance(value, dict)}
    return [_without_titles(item) for item in node] if isinstance(node, list) else node
