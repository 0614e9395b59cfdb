"""Features of configs for a Gaussian process: numeric columns, categories one-hot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.spec.space.parameter import Parameter
from service.spec.space.samplers import same
from service.spec.space.space import Space

Array = NDArray[np.float64]

APART = 0.5**0.5
"""One-hot value, by which two different categories have the distance 1."""

INACTIVE = 0.5


class Features:
    """Encoder of unit coordinates: one column for a number, one-hot columns for a category.

    Choices of three or more increasing numbers are numbers, too. An inactive parameter has the middle of its range, or
    no category.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._widths = [len(p.args) if is_category(p) else 1 for p in space.parameters]
        self._indices = {p.name: index for index, p in enumerate(space.parameters)}

    def encode(self, units: Array) -> Array:
        """Rows of features for rows of unit coordinates, shape (n, parameters), NaN for inactive parameters."""
        columns = []
        for values, width, parameter in zip(units.T, self._widths, self._space.parameters, strict=True):
            if not is_category(parameter):
                columns.append(np.where(np.isnan(values), INACTIVE, values)[:, None])
                continue
            chosen = np.where(np.isnan(values), -1, np.minimum(np.nan_to_num(values) * width, width - 1).astype(int))
            columns.append(APART * (chosen[:, None] == np.arange(width)))
        return np.concatenate(columns, axis=1)

    def prune(self, units: Array) -> Array:
        """The same rows with NaN for inactive parameters, which `Space.prune` leaves out of configs."""
        pruned = units.copy()
        for index, parameter in enumerate(self._space.parameters):
            if parameter.when:
                pruned[~self._applies(parameter, units), index] = np.nan
        return pruned

    def _applies(self, parameter: Parameter, units: Array) -> NDArray[np.bool_]:
        holds = np.ones(len(units), dtype=bool)
        for name, allowed in parameter.when.items():
            parent = self._space.parameters[self._indices[name]]
            holds &= _among(parent, units[:, self._indices[name]], allowed)
            holds &= self._applies(parent, units)
        return holds

    def units(self, configs: Sequence[Sequence[float | None]]) -> Array:
        """Unit coordinates as `Space.to_unit` gives them, as an array with NaN for None."""
        width = len(self._space.parameters)
        return np.array([[np.nan if u is None else u for u in row] for row in configs]).reshape(len(configs), width)


def is_category(parameter: Parameter) -> bool:
    """Whether ``parameter`` is categorical: its values have no order for a model."""
    if parameter.kind not in ("choice", "grid_search"):
        return False
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in parameter.args)
    growing = numbers and all(a < b for a, b in zip(parameter.args, parameter.args[1:], strict=False))
    return not (growing and len(parameter.args) >= 3)


def _among(parent: Parameter, units: Array, allowed: Sequence[object]) -> NDArray[np.bool_]:
    """Whether the values of ``parent`` at ``units`` are among ``allowed``, shape (n,)."""
    if parent.kind in ("choice", "grid_search"):  # Looked up for all rows at once, as there are many candidates.
        fits = np.array([any(same(value, other) for other in allowed) for value in parent.args])
        return np.asarray(fits[np.minimum((np.nan_to_num(units) * len(fits)).astype(int), len(fits) - 1)])
    values = [parent.sampler.from_unit(float(u)) for u in np.nan_to_num(units)]
    return np.array([any(same(value, other) for other in allowed) for value in values], dtype=bool)
