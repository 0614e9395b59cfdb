"""Trials as hyperopt's documents (``hyperopt.Trials``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hyperopt import Domain, hp
from hyperopt.base import JOB_STATE_DONE, STATUS_OK

from service.policy.search.model.features import is_category
from service.spec.space.parameter import Parameter
from service.spec.space.space import Space


class Documents:
    """The unit cube of ``space`` as a hyperopt ``Domain``: uniform numbers, whatever their scale, and categories."""

    def __init__(self, space: Space) -> None:
        self._parameters = space.parameters
        self.domain = Domain(lambda _: 0.0, {p.name: _prior(p) for p in space.parameters})

    def misc(self, units: Mapping[str, float]) -> dict[str, Any]:
        """The ``misc`` part of a trial's document, from unit coordinates by name; absent parameters are left out."""
        values = {p.name: [_value(p, units[p.name])] if p.name in units else [] for p in self._parameters}
        return {"cmd": self.domain.cmd, "workdir": None, "vals": values}

    def document(self, number: int, loss: float, misc: Mapping[str, Any]) -> dict[str, Any]:
        """The document of a trial; hyperopt gives trials of low ``number`` less weight."""
        idxs = {name: [number] if values else [] for name, values in misc["vals"].items()}
        return {
            "tid": number,
            "state": JOB_STATE_DONE,
            "spec": None,
            "result": {"loss": loss, "status": STATUS_OK},
            "misc": {**misc, "tid": number, "idxs": idxs},
            "exp_key": None,
            "owner": None,
            "version": 0,
            "book_time": None,
            "refresh_time": None,
        }

    def point(self, document: Mapping[str, Any]) -> list[float]:
        """The unit coordinates that a suggested document stands for."""
        values = document["misc"]["vals"]
        return [_coordinate(p, values[p.name][0]) for p in self._parameters]


def _prior(parameter: Parameter) -> Any:
    if is_category(parameter):
        return hp.choice(parameter.name, list(range(len(parameter.args))))
    return hp.uniform(parameter.name, 0.0, 1.0)


def _value(parameter: Parameter, unit: float) -> float | int:
    return min(int(unit * len(parameter.args)), len(parameter.args) - 1) if is_category(parameter) else unit


def _coordinate(parameter: Parameter, value: float | int) -> float:
    return (int(value) + 0.5) / len(parameter.args) if is_category(parameter) else float(value)
