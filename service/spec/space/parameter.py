"""One searched parameter: a name, a sampler and the condition under which it applies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from service.spec.space.kinds import build
from service.spec.space.samplers import Sampler

#: Applies only while every named parameter is active and has one of the listed values. Empty: always.
When = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Parameter:
    """A searched parameter.

    ``name`` is flat (``optimizer/lr``); ``args`` are the sampler's arguments in Tune's order, or its listed values.

    Raises:
        ValueError: on the first use of `sampler`, if kind and args make none; `Space.parse` has checked them.
    """

    name: str
    kind: str
    args: tuple[Any, ...]
    when: When = field(default_factory=dict)

    @cached_property
    def sampler(self) -> Sampler:
        """The values of this parameter and their places in the unit interval."""
        return build(self.kind, self.args)
