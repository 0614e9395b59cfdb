"""One object of a user's own Ray Tune searcher class, and what can go wrong with it."""

from __future__ import annotations

import inspect
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
from ray.tune.search import Searcher

from service.policy.search.domains import searched
from service.policy.search.tune_searcher.snap import snapped
from service.spec import Spec
from service.spec.errors import SpecError, UserError
from service.spec.flat import SEPARATOR, nest
from service.spec.values import plain

SEEDS = ("seed", "random_state", "random_state_seed", "random_seed")
"""Names by which a searcher's constructor takes a seed."""

FINISHED = Searcher.FINISHED

ASKED = 10
"""So many suggestions in a row that cannot be trained are the searcher's fault, not bad luck."""


class Instance:
    """A Tune searcher over the space of ``spec``, without its constants.

    It gets space, metric and mode by ``set_search_properties`` where it has that, else by its constructor as far as
    that takes them; the seed of the spec goes to a parameter of one of the names in `SEEDS`.

    Raises:
        UserError: the class is no Searcher, or it fails, here or in any method.
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
        with self._blamed("cannot be made"), _stirred(self._seed, 0):
            self._searcher = made(**{key: value for key, value in known.items() if key in taken})
            if late:
                self._searcher.set_search_properties(metric, mode, searched(self._space))
        self._learns_points = made.add_evaluated_point is not Searcher.add_evaluated_point

    def suggest(self, number: int) -> Mapping[str, Any] | str | None:
        """The flat config of trial ``number``; None for not now, FINISHED for never again.

        Numbers outside the space are `snapped` into it. For another fault the searcher is asked again, `ASKED` times in
        all.
        """
        for again in range(ASKED):
            with self._blamed("fails to suggest"), _stirred(self._seed, number, again):
                suggestion = self._searcher.suggest(str(number))
            if suggestion is None or suggestion == FINISHED:
                return suggestion
            config = self._config(suggestion)
            if not isinstance(config, str):
                return config
        raise UserError(f"{self._name} {config}", "let it search the space it is given")

    def result(self, number: int, result: Mapping[str, Any]) -> None:
        """A trial has a result and goes on."""
        with self._blamed("fails on a result"):
            self._searcher.on_trial_result(str(number), dict(result))

    def complete(self, number: int, result: Mapping[str, Any] | None, error: bool = False) -> None:
        """A trial has ended, with its last result if it has one."""
        with self._blamed("fails on the end of a trial"):
            self._searcher.on_trial_complete(str(number), None if result is None else dict(result), error=error)

    def point(self, config: Mapping[str, Any], value: float) -> None:
        """The value of a config that it did not suggest, or has done with; most searchers cannot learn from it."""
        if self._learns_points:
            mine = {name: v for name, v in config.items() if name not in self._space.constants}
            with self._blamed("fails on an evaluated point"):
                self._searcher.add_evaluated_point(nest(mine), value)

    def _config(self, suggestion: Any) -> dict[str, Any] | str:
        """The flat config that is suggested, or what is wrong with it."""
        values = {}
        try:
            for parameter in self._space.parameters:
                with suppress(KeyError, TypeError):
                    values[parameter.name] = snapped(parameter, plain(_at(suggestion, parameter.name)))
            config = self._space.prune(values)
            return config | self._space.check({name: v for name, v in config.items() if name in values})
        except KeyError as error:
            return f"suggests a config without {error.args[0]}: {suggestion}"
        except (SpecError, ValueError) as error:
            return f"suggests what the space does not hold: {error}"

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
def _stirred(seed: int, number: int, again: int = 0) -> Iterator[None]:
    """Python's and numpy's own generators drawn from (seed, number): a searcher without a seed repeats itself too.

    ``again`` counts what is drawn anew for the same trial.
    """
    before, entropy = (random.getstate(), np.random.get_state()), (seed, number, again)[: 3 if again else 2]
    random.seed(" ".join(map(str, entropy)))
    np.random.seed(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
