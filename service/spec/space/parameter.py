"""`Parameter`: one searched parameter, with a name, a sampler and the condition under which it is active."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from service.spec.space.kinds import build
from service.spec.space.samplers import Sampler

#: A condition: every named parameter is active and has one of the listed values. Empty: always active.
When = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Parameter:
    """A searched parameter.

    ``name`` is flat (``optimizer/lr``); ``args`` are the sampler's arguments in Tune's order, or its listed values.

    Raises:
        ValueError: on the first use of `sampler`, for an invalid kind or args, which `Space.parse` refuses.
    """

    name: str
    kind: str
    args: tuple[Any, ...]
    when: When = field(default_factory=dict)

    @cached_property
    def sampler(self) -> Sampler:
        """The map between the unit interval and the values of this parameter."""
        return build(self.kind, self.args)
