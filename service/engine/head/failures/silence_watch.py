"""The watch over trials that say nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from service.engine.head.trial_log import TrialLog
from service.policy.failures.silence import Patience, patience
from service.spec import Spec

LOOK = 0.5
"""Seconds between two looks at who is silent."""


class SilenceWatch:
    """Knows when each trial was last heard of, and finds those that hang, by ``spec.hang_timeout``.

    What is silent for half the time has that as its reason in the log, until it is heard of again. ``clock`` gives
    seconds.
    """

    def __init__(self, spec: Spec, trial_log: TrialLog, clock: Callable[[], float] = time.monotonic) -> None:
        self._timeout = spec.hang_timeout
        self._spec = spec
        self._trial_log = trial_log
        self._clock = clock
        self._heard: dict[int, float] = {}
        self._flagged: set[int] = set()
        self._due = 0.0

    def heard(self, number: int) -> None:
        """A trial has begun to train, or has reported."""
        self._heard[number] = self._clock()
        if number in self._flagged:
            self._flagged.discard(number)
            self._trial_log.change(number, why="")

    def left(self, number: int) -> None:
        """A trial trains no more."""
        self._heard.pop(number, None)
        self._flagged.discard(number)

    def hung(self) -> Iterator[tuple[int, str]]:
        """The trials that hang, each with the reason; told once, as one that hangs has left."""
        if self._clock() < self._due:
            return
        self._due = self._clock() + LOOK
        for number, since in list(self._heard.items()):
            patient = self._patience(number)
            silent = self._clock() - since
            if patient is None or silent <= patient.seconds / 2:
                continue
            if silent > patient.seconds:
                self.left(number)
                yield number, patient.hung
            elif number not in self._flagged:
                self._flagged.add(number)
                self._trial_log.change(number, why=patient.silent)

    def _patience(self, number: int) -> Patience | None:
        row = self._trial_log.trials[number]
        stage = self._spec.plans[self._spec.plan_number(row.round)][row.stage]
        return patience(self._timeout, stage.data, self._trial_log.longest)
