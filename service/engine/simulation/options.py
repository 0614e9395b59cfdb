"""How a sweep is simulated, apart from its spec."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from service.spec import Spec, load
from service.spec.errors import UserError, nearest

UNLIMITED = 1_000_000
"""A number of trials that no sweep comes to."""

WORKERS = 8


@dataclass(frozen=True)
class SimulationOptions:
    """The world that a simulated sweep runs in, and what it overrides in the spec.

    ``workers``: trials that train at once (None: the spec's ``resources.max_concurrent``, else 8). ``crash_rate``:
    probability that an epoch is lost with its worker. ``stragglers``: the training seconds of each leg of a trial
    (from its start, promotion or retry until it waits or ends) are multiplied by 1 + |z|, z normal with this standard
    deviation (Li et al. 2020, appendix A.1). ``charge_decisions``: the real seconds that the policy takes pass for the
    worker that waits. ``seed``, ``trials`` and ``budget_seconds`` (virtual) replace search.seed, search.trials and
    budget.time of the spec.

    Raises:
        UserError: a value is out of its range.
    """

    workers: int | None = None
    crash_rate: float = 0.0
    stragglers: float = 0.0
    charge_decisions: bool = False
    seed: int | None = None
    trials: int | None = None
    budget_seconds: float | None = None

    def __post_init__(self) -> None:
        whole = isinstance(self.workers, int) and not isinstance(self.workers, bool) and self.workers >= 1
        _require("workers", self.workers, self.workers is None or whole, "a whole number of at least 1")
        chance = _is_number(self.crash_rate) and 0 <= self.crash_rate <= 1
        _require("crash_rate", self.crash_rate, chance, "a probability from 0 to 1")
        spread = _is_number(self.stragglers) and self.stragglers >= 0
        _require("stragglers", self.stragglers, spread, "a standard deviation >= 0")
        _require("charge_decisions", self.charge_decisions, isinstance(self.charge_decisions, bool), "True or False")

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> SimulationOptions:
        """The options that ``given`` names, the rest by default.

        Raises:
            UserError: there is no option of a name, or a value is out of its range.
        """
        known = [field.name for field in fields(cls)]
        for name in given:
            if name not in known:
                raise UserError(f"there is no option {name!r}{nearest(name, known)}", f"allowed: {', '.join(known)}")
        return cls(**given)

    def applied(self, spec: Spec) -> Spec:
        """``spec`` with what the options replace in it.

        Raises:
            SpecError: it is no valid spec then, e.g. as the seed is negative.
        """
        raw = spec.to_dict()
        if self.seed is not None:
            raw["search"]["seed"] = self.seed
        if self.trials is not None:
            raw["search"]["trials"] = self.trials
        if self.budget_seconds is not None:
            raw["budget"]["time"] = self.budget_seconds
        return load(raw)

    def slots(self, spec: Spec) -> int:
        """How many trials train at once."""
        return self.workers or spec.resources.max_concurrent or WORKERS


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _require(name: str, value: object, holds: bool, allowed: str) -> None:
    if not holds:
        raise UserError(f"{name} is {value!r}", f"give {allowed}")
