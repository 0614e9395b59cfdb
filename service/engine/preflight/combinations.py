"""Values that do not go together: the recipe refuses some combinations, though each value is allowed by itself."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

from service.engine.preflight.finding import Finding
from service.spec import Spec
from service.spec.flat import nest
from service.spec.space.parameter import Parameter
from service.spec.space.space import Space

if TYPE_CHECKING:
    from trainables.errors import TaskError

MOST = 2000
"""Combinations that are tried; of more, so many are drawn, always the same."""
CURE = "each such trial is lost: keep values that go together, e.g. with `when`"


def combinations(spec: Spec) -> Iterator[Finding]:
    """Configs of ``search.initial`` that the recipe refuses, and combinations of the space's listed values."""
    listed = _listed(spec.space)
    for number, initial in enumerate(spec.search.initial):
        answers = _answers(spec.space, listed, spec.space.check(initial))
        first = next(answers)
        if first and all(answers):
            yield Finding("fail", "combinations", f"search/initial/{number}: {first.message}", first.cure)
    told = list(_answers(spec.space, listed, {})) if listed else []
    refused = [error for error in told if error]
    if refused:
        share = f"{len(refused)} of {len(told)} combinations ({len(refused) / len(told):.0%})"
        evidence = f"{share} of {', '.join(p.name for p in listed)} are refused, e.g. {refused[0]}"
        yield Finding("fail" if len(refused) == len(told) else "warn", "combinations", evidence, CURE)


def _answers(space: Space, listed: Sequence[Parameter], given: Mapping[str, Any]) -> Iterator[TaskError | None]:
    """What the recipe says of each combination of values, None where it takes it.

    What is ``given`` stays, and what cannot be listed is in its middle.
    """
    from trainables.errors import TaskError
    from trainables.recipe import Recipe

    middle = {p.name: p.sampler.from_unit(0.5) for p in space.parameters} | dict(given)
    for values in _values([p for p in listed if p.name not in given]):
        try:
            Recipe.parse(nest(space.prune(middle | values)))
        except TaskError as error:
            yield error
        else:
            yield None


def _values(listed: list[Parameter]) -> Iterator[dict[str, Any]]:
    if math.prod(p.sampler.count or 1 for p in listed) <= MOST:
        for values in product(*(p.sampler.values() for p in listed)):
            yield dict(zip((p.name for p in listed), values, strict=True))
        return
    draws = random.Random(0)
    for _ in range(MOST):
        yield {p.name: p.sampler.from_unit(draws.random()) for p in listed}


def _listed(space: Space) -> list[Parameter]:
    """The recipe's parameters whose values can be listed, and those that their conditions name."""
    from trainables.recipe.keys import KEYS

    asked = {name for p in space.parameters if p.name in KEYS for name in p.when}
    return [p for p in space.parameters if (p.name in KEYS or p.name in asked) and p.sampler.count is not None]
