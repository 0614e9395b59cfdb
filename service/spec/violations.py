"""pydantic's ``ValidationError`` as violations: the value, what is allowed, the nearest valid key."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from service.spec.errors import Violation, nearest
from service.spec.flat import SEPARATOR

_LONGEST = 80
_EXAMPLES = {
    "name": "name: digits-mlp",
    "task": "task: my_tasks:Digits",
    "metric": "metric: {name: val_accuracy, goal: maximize}",
    "goal": "goal: maximize",
    "parameters": "parameters: {lr: {loguniform: [1e-4, 1]}}",
    "stages": "stages: [{data: 0.1, epochs: 2}, {data: 1.0, epochs: 10}]",
    "data": "data: 1.0",
    "epochs": "epochs: 10",
}


def violations(error: ValidationError, model: type[BaseModel]) -> list[Violation]:
    """One violation for each error that pydantic found in data for ``model``, without lines."""
    return [
        Violation(SEPARATOR.join(map(str, fault["loc"])), None, _message(fault, model))
        for fault in error.errors(include_url=False)
    ]


def _message(fault: Any, model: type[BaseModel]) -> str:
    value, context, kind = _shown(fault["input"]), fault.get("ctx", {}), fault["type"]
    if kind == "missing":
        key = str(fault["loc"][-1])
        return f"is missing; add e.g. {_EXAMPLES.get(key, f'{key}: …')}"
    if kind == "extra_forbidden":
        key, allowed = str(fault["loc"][-1]), _keys(model, fault["loc"][:-1])
        return f"unknown key {key!r}{nearest(key, allowed)}; allowed: {', '.join(allowed)}"
    if kind == "literal_error":
        options = context["expected"].replace("'", "").replace(" or ", ", ")
        return f"is {value}{nearest(str(fault['input']), options.split(', '))}; allowed: {options}"
    if kind == "value_error":
        return str(context["error"])
    if kind in ("model_type", "model_attributes_type"):
        return f"is {value}; write a mapping with the keys {', '.join(_keys(model, fault['loc']))}"
    rule = _RULES[kind](context) if kind in _RULES else fault["msg"]
    return f"is {value}; {rule}"


_RULES: dict[str, Callable[[Any], str]] = {
    "greater_than": lambda context: f"allowed: above {context['gt']:g}",
    "greater_than_equal": lambda context: f"allowed: at least {context['ge']:g}",
    "less_than": lambda context: f"allowed: below {context['lt']:g}",
    "string_too_short": lambda _: "write at least one character",
    "string_type": lambda _: "write text, in quotes if need be",
    "int_type": lambda _: "write an integer",
    "int_from_float": lambda _: "write an integer",
    "float_type": lambda _: "write a number",
    "finite_number": lambda _: "write a finite number, or leave the key out",
    "tuple_type": lambda _: "write a list",
    "dict_type": lambda _: "write a mapping",
}


def _keys(model: type[BaseModel], place: Sequence[int | str]) -> list[str]:
    """The keys allowed at ``place``."""
    for step in place:
        if isinstance(step, str):
            model = _model_in(model.model_fields[step].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that a field holds, be it alone, optional or in a tuple."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
