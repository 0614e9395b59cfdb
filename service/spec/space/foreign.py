"""The samplers of W&B, NNI, Ax and others, which would pass for constants: what each is called here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.spec.space.kinds import KINDS

_WORDS = (
    "values value min max distribution probabilities q mu sigma _type _value type bounds log_scale value_type name "
    "low high lower upper log step choices"
)
KEYS = frozenset(_WORDS.split())
"""Keys of other tools' samplers. A constant of such a name is written ``{constant: …}``."""

_TELLING = frozenset({"values", "value", "distribution", "_type", "_value", "bounds", "choices"})
_BOUNDS = (("min", "max"), ("low", "high"), ("lower", "upper"))
_LAWS = {
    "categorical": "choice",
    "categorical_w_probabilities": "choice",
    "choice": "choice",
    "int_uniform": "randint",
    "log_uniform_values": "loguniform",
    "q_log_uniform_values": "qloguniform",
    "int": "randint",
    "float": "uniform",
    "range": "uniform",
    "normal": "randn",
    "qnormal": "qrandn",
}
"""Names that differ by more than an underscore."""

_CALL = re.compile(r"\s*(?:\w+\.)*(\w+)\((.*)\)\s*", re.DOTALL)


def cure(value: Any) -> str | None:
    """What to write instead of ``value``, if it is another tool's sampler; None for a constant or a folder."""
    if isinstance(value, (list, tuple)):
        return f"write choice: {list(value)!r}" if value else "write choice: [first, second]"
    if isinstance(value, str):
        return _called(value)
    if not isinstance(value, Mapping) or not value or not KEYS.issuperset(value):
        return None
    if any(isinstance(inner, Mapping) for inner in value.values()):
        return None
    bounded = any(low in value and high in value for low, high in _BOUNDS)
    return _sampler(value) if bounded or not _TELLING.isdisjoint(value) else None


def _called(text: str) -> str | None:
    """The sampler in a text such as ``loguniform(1e-4, 1)``."""
    call = _CALL.fullmatch(text)
    kind = _kind(call[1]) if call else None
    return f"write {kind}: [{call[2].strip().strip('[]')}]" if call and kind else None


def _sampler(form: Mapping[str, Any]) -> str:
    if "_type" in form or "_value" in form:
        return _written(_kind(str(form.get("_type", "choice"))), form.get("_value"))
    listed = form.get("values", form.get("choices"))
    if listed is not None:
        return _written("choice", listed)
    if "value" in form:
        return f"write the value itself, {form['value']!r}"
    kind = _kind(str(form.get("distribution", form.get("type", "uniform"))))
    if kind in ("randn", "qrandn"):
        return _written(kind, [form[name] for name in ("mu", "sigma", "q") if name in form])
    bounds = form.get("bounds") or next(([form[a], form[b]] for a, b in _BOUNDS if a in form and b in form), [])
    return _ranged(kind, list(bounds), form)


def _ranged(kind: str | None, bounds: list[Any], form: Mapping[str, Any]) -> str:
    named = {"distribution", "value_type"} & form.keys() or form.get("type") in ("int", "float")
    whole = kind == "randint" or form.get("value_type") == "int"
    whole = whole or (kind == "uniform" and not named and bool(bounds) and all(type(one) is int for one in bounds))
    log = bool(form.get("log_scale") or form.get("log"))
    if kind in ("uniform", "randint"):
        kind = f"{'log' if log else ''}{'randint' if whole else 'uniform'}"
    if form.get("distribution") in ("log_uniform", "q_log_uniform"):
        return f"{_written(kind, [])} with the bounds themselves, for these are their logarithms"
    if whole and len(bounds) == 2 and isinstance(bounds[1], int):
        return f"{_written(kind, [bounds[0], bounds[1] + 1])}, whose upper bound is exclusive"
    return _written(kind, [*bounds, *([form["q"]] if "q" in form else [])])


def _kind(name: str) -> str | None:
    plain = name.lower().replace("_", "")
    return _LAWS.get(name.lower()) or next((kind for kind in KINDS if kind.replace("_", "") == plain), None)


def _written(kind: str | None, arguments: Any) -> str:
    if kind is None:
        return f"write one of {', '.join(KINDS)}"
    if not isinstance(arguments, (list, tuple)) or not arguments:
        arguments = f"[{', '.join(KINDS[kind].arguments or ('first', 'second'))}]"
    else:
        arguments = repr(list(arguments))
    return f"write {kind}: {arguments}"
