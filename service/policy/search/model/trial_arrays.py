"""What a table shows, as arrays that are kept from one proposal to the next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from service.policy.observation import Observation
from service.policy.search.model.features import Array

Flags = NDArray[np.bool_]


class TrialArrays:
    """A row for each trial of a table, in the order of their numbers.

    ``losses`` (n, stages) are values at the ends of stages, smaller for the better, and ``order`` (n, stages) their
    places among all values of the sweep; NaN where there is no value that is a number. ``seconds`` (n, stages) are what
    the stages took that they ended, NaN for the others. ``bad`` (n,) are trials that
    failed before their first value, or have one that is no number, ``broken`` those that failed at all or whose last
    value is none, ``running`` (n,) those in training that have no value, ``told`` those that have a value or failed.
    ``stages`` (n,) are the last stages that they ended.
    """

    observations: list[Observation]
    losses: Array
    order: Array
    seconds: Array
    bad: Flags
    broken: Flags
    running: Flags
    told: Flags
    stages: NDArray[np.intp]
    _rows: dict[int, int]
    _seen: set[int]
    """Identities of the observations, which are kept, so that no other object has them."""

    def __init__(self, goal: str, table: Sequence[Observation] = ()) -> None:
        self._sign = -1.0 if goal == "maximize" else 1.0
        self._forget()
        self.update(table)

    def __len__(self) -> int:
        return len(self.observations)

    @property
    def sound(self) -> Array:
        """The losses, without those of bad trials."""
        return np.where(self.bad[:, None], np.nan, self.losses)

    def update(self, table: Sequence[Observation]) -> None:
        """Show the table as it is now; only observations that are other objects than the last time are read."""
        changed = [o for o in table if id(o) not in self._seen]
        new = sorted((o for o in changed if o.trial not in self._rows), key=lambda o: o.trial)
        later = not new or not self.observations or new[0].trial > self.observations[-1].trial
        if later and len(self) + len(new) == len(table):
            self._grow(new)
        else:  # Some trial is gone, or one is new between the others.
            self._forget()
            changed = list(table)
            self._grow(sorted(table, key=lambda o: o.trial))
        self._fill(changed)

    def _forget(self) -> None:
        self.observations, self._rows, self._seen = [], {}, set()
        self.losses, self.order, self.seconds = np.empty((0, 1)), np.empty((0, 1)), np.empty((0, 1))
        self.bad, self.broken, self.running, self.told = (np.empty(0, dtype=bool) for _ in range(4))
        self.stages = np.empty(0, dtype=np.intp)

    def _grow(self, new: Sequence[Observation]) -> None:
        self._rows |= {o.trial: row for row, o in enumerate(new, start=len(self))}
        self.observations += new
        by_stage = (self.losses, self.order, self.seconds)
        self.losses, self.order, self.seconds = (_extended(part, len(self)) for part in by_stage)
        flags = (self.bad, self.broken, self.running, self.told)
        self.bad, self.broken, self.running, self.told = (np.append(part, np.zeros(len(new), bool)) for part in flags)
        self.stages = np.append(self.stages, np.zeros(len(new), np.intp))

    def _fill(self, changed: Iterable[Observation]) -> None:
        for observation in changed:
            row, values = self._rows[observation.trial], observation.values
            self._seen.discard(id(self.observations[row]))
            self._seen.add(id(observation))
            self.observations[row] = observation
            if observation.stage >= self.losses.shape[1]:
                by_stage = (self.losses, self.order, self.seconds)
                self.losses, self.order, self.seconds = (
                    _extended(part.T, observation.stage + 1).T for part in by_stage
                )
            self.losses[row] = self.order[row] = self.seconds[row] = np.nan
            for stage, value in values.items():
                self.seconds[row, stage] = observation.seconds.get(stage, np.nan)
                if math.isfinite(value):
                    self.losses[row, stage] = self._sign * value
                    self.order[row, stage] = observation.order.get(stage, 0)
            failed, sound = observation.state == "FAILED", all(map(math.isfinite, values.values()))
            self.bad[row] = not sound if values else failed
            self.broken[row] = broken(observation)
            self.running[row] = observation.running and not values
            self.told[row] = failed or bool(values)
            self.stages[row] = observation.stage


def broken(observation: Observation) -> bool:
    """Whether a trial failed or has no number to show."""
    return observation.state == "FAILED" or not math.isfinite(observation.values.get(observation.stage, math.nan))


def _extended(part: Array, rows: int) -> Array:
    """``part`` with rows of NaN up to so many."""
    return np.concatenate([part, np.full((rows - len(part), part.shape[1]), np.nan)])
