"""Scalars by the core schema of YAML 1.2, not PyYAML's 1.1: which text is a number, a boolean or null.

``1e-4`` is a number, ``010`` is ten; ``1:30``, ``on``, ``no`` and dates are text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import yaml

TAG = "tag:yaml.org,2002:"
_NUMERALS = list("-+.0123456789")
_SCALARS: dict[str, tuple[str, list[str], Callable[[str], Any]]] = {
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF"), lambda text: text.lower() == "true"),
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""], lambda text: None),
    "int": (r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", _NUMERALS, lambda text: int(text, _radix(text))),
    "float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        _NUMERALS,
        lambda text: float(re.sub(r"\.(?=[inIN])", "", text)),
    ),
}


class Composer(yaml.SafeLoader):
    """PyYAML's parser with the scalars of the core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


class Dumper(yaml.SafeDumper):
    """PyYAML's writer, with quotes around text that YAML 1.1 or 1.2 would not read as text."""


for _name, (_pattern, _first, _) in _SCALARS.items():
    for _class in (Composer, Dumper):
        _class.add_implicit_resolver(TAG + _name, re.compile(rf"^(?:{_pattern})$"), _first)


def scalar(tag: str, text: str) -> Any:
    """The value of ``text`` under a core-schema ``tag`` (in full, as YAML nodes carry it).

    Raises:
        ValueError: the tag is not of the core schema, or the text does not fit it.
    """
    name = tag.removeprefix(TAG)
    if name == "str":
        return text
    if name not in _SCALARS or not re.fullmatch(_SCALARS[name][0], text):
        raise ValueError(f"{text!r} does not fit the tag {tag!r}; leave the tag out")
    return _SCALARS[name][2](text)


def _radix(text: str) -> int:
    return {"0o": 8, "0x": 16}.get(text[:2], 10)
