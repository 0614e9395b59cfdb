"""One instance of the user's own Ray Tune ``Searcher``, with its exceptions as errors for the user."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from ray.tune.search import Searcher

from service.policy.search.domains import searched
from service.spec import Spec
from service.spec.errors import SpecError, UserError
from service.spec.flat import SEPARATOR, nest
from service.spec.values import plain

SEEDS = ("seed", "random_state", "random_state_seed", "random_seed")
"""Names by which a searcher's constructor takes a seed."""

FINISHED = Searcher.FINISHED


class Instance:
    """A Tune ``Searcher`` over the space of ``spec`` without its constants.

    It is given space, metric and mode by ``set_search_properties``, or by those arguments that its constructor has; the
    spec's seed by an argument of one of the names in `SEEDS`.

    Raises:
        UserError: the class is no ``Searcher``, or it raises, here or in any method.
    """

    def __init__(self, spec: Spec, kind: Any) -> None:
        self._space = spec.space
        self._seed = spec.search.seed
        self._name = spec.search.algorithm
        if not (inspect.isclass(kind) and issubclass(kind, Searcher)):
            what = f"class {kind.__name__}" if inspect.isclass(kind) else type(kind).__name__
            raise UserError(f"search.algorithm {self._name} is a {what}", "name a subclass of ray.tune.search.Searcher")
        made: Any = kind
        metric, mode = spec.metric.name, "max" if spec.metric.goal == "maximize" else "min"
        late = made.set_search_properties is not Searcher.set_search_properties
        known: dict[str, Any] = {"metric": metric, "mode": mode, **dict.fromkeys(SEEDS, self._seed)}
        known |= {} if late else {"space": searched(self._space)}
        taken = inspect.signature(made).parameters
        with self._blamed("cannot be made"), _seeded(self._seed, 0):
            self._searcher = made(**{key: value for key, value in known.items() if key in taken})
            if late:
                self._searcher.set_search_properties(metric, mode, searched(self._space))
        self._learns_points = made.add_evaluated_point is not Searcher.add_evaluated_point

    def suggest(self, number: int) -> Mapping[str, Any] | str | None:
        """``suggest``: the flat config of trial ``number``; None for not now, FINISHED for no more."""
        with self._blamed("fails to suggest"), _seeded(self._seed, number):
            suggestion = self._searcher.suggest(str(number))
        return suggestion if suggestion is None or suggestion == FINISHED else self._config(suggestion)

    def result(self, number: int, result: Mapping[str, Any]) -> None:
        """``on_trial_result``: a result of a trial that goes on."""
        with self._blamed("fails on a result"):
            self._searcher.on_trial_result(str(number), dict(result))

    def complete(self, number: int, result: Mapping[str, Any] | None, error: bool = False) -> None:
        """``on_trial_complete``: the end of a trial, with its last result if it has one."""
        with self._blamed("fails on the end of a trial"):
            self._searcher.on_trial_complete(str(number), None if result is None else dict(result), error=error)

    def point(self, config: Mapping[str, Any], value: float) -> None:
        """``add_evaluated_point``, if the searcher has it: the value of a config of no open trial."""
        if self._learns_points:
            mine = {name: v for name, v in config.items() if name not in self._space.constants}
            with self._blamed("fails on an evaluated point"):
                self._searcher.add_evaluated_point(nest(mine), value)

    def _config(self, suggestion: Any) -> dict[str, Any]:
        values = {}
        for parameter in self._space.parameters:
            with suppress(KeyError, TypeError):
                values[parameter.name] = plain(_at(suggestion, parameter.name))
        try:
            config = self._space.prune(values)
            return config | self._space.check({name: v for name, v in config.items() if name in values})
        except KeyError as error:
            fault = f"suggests a config without {error.args[0]}: {suggestion}"
        except (SpecError, ValueError) as error:
            fault = f"suggests what the space does not hold: {error}"
        raise UserError(f"{self._name} {fault}", "let it search the space it is given")

    @contextmanager
    def _blamed(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            fault = f"{type(error).__name__}: {error}".rstrip(": ")
            raise UserError(f"{self._name} {what}: {fault}", "correct the searcher, or choose another") from error


def _at(nested: Any, name: str) -> Any:
    if name in nested:
        return nested[name]
    for key in name.split(SEPARATOR):
        nested = nested[key]
    return nested


@contextmanager
def _seeded(seed: int, number: int) -> Iterator[None]:
    """Context in which ``random`` and numpy are seeded by (seed, number), for searchers that take no seed."""
    before = random.getstate(), np.random.get_state()
    random.seed(f"{seed} {number}")
    np.random.seed(int(np.random.SeedSequence((seed, number)).generate_state(1)[0]))
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
