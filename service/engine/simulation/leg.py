"""Slowness and crashes of a simulated worker."""

from __future__ import annotations

import numpy as np

from service.engine.simulation.options import SimulationOptions


class Leg:
    """One leg of a trial on a worker, drawn from (seed, trial, leg): whatever else happens, it is the same."""

    def __init__(self, options: SimulationOptions, seed: int, trial: int, leg: int) -> None:
        self._rate = options.crash_rate
        self.slowness = 1.0
        """Factor of the training seconds."""
        if options.crash_rate or options.stragglers:
            self._random = np.random.default_rng((seed, trial, leg))
            self.slowness += abs(float(self._random.normal(0.0, options.stragglers)))

    def crashes(self) -> bool:
        """Whether the worker is lost in the next epoch."""
        return self._rate > 0 and float(self._random.random()) < self._rate
