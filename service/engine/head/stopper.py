"""Tune's stopper."""

from __future__ import annotations

import time
from collections.abc import Mapping

from ray.tune import Stopper

from service.engine.head.no_snapshot import NoSnapshot
from service.engine.head.trial_log import TrialLog
from service.ledger.wishes import FULFILLED
from service.policy.limits import Ending, Left, Reached, Usage, ending, left
from service.spec import Spec
from service.states import STATE_WISHED, WISHES_TO_LEAVE, Wish


class SweepStopper(NoSnapshot, Stopper):
    """Tune stopper that stops all trials when the sweep ends: by its budget, its target, a wish, or an error.

    The first reason to end stands, as ``ending``; ``exit_code`` is that of the head. It has the sweep's clock, too,
    which runs once the head has ``begun``.
    """

    def __init__(self, spec: Spec, trial_log: TrialLog, seconds_before: float) -> None:
        self._spec = spec
        self._trial_log = trial_log
        self._before = seconds_before
        self._begun = time.monotonic()
        self.begun = False
        self.ending: Ending | None = None
        self.exit_code = 0

    def begin(self) -> None:
        """Start this head's clock, after Ray has started: that time is not the sweep's."""
        self._begun = time.monotonic()
        self.begun = True

    def seconds(self) -> float:
        """Wall time of the sweep over all its heads."""
        return self._before + time.monotonic() - self._begun

    def check(self) -> None:
        """End the sweep if its target is reached or its budget used up."""
        if self.ending is None:
            self.ending = ending(self._spec, self._usage(self._trial_log.reached(self._spec)))

    def left(self) -> Left:
        """What is left of the sweep's budget."""
        return left(self._spec, self._usage({}))

    def wish(self, wish: Wish | None) -> None:
        """End the head as a person or the daemon wishes; a wish to go on changes nothing."""
        if wish in WISHES_TO_LEAVE and self.ending is None:
            self.ending = Ending(STATE_WISHED[wish], FULFILLED[wish])

    def pause(self, why: str, exit_code: int = 1) -> None:
        """End this head; the sweep can be continued."""
        if self.ending is None:
            self.ending, self.exit_code = Ending("PAUSED", why), exit_code

    def fail(self, why: str, exit_code: int = 2) -> None:
        """End the sweep as failed."""
        if self.ending is None:
            self.ending, self.exit_code = Ending("FAILED", why), exit_code

    def __call__(self, trial_id: str, result: dict[str, object]) -> bool:
        return False

    def _usage(self, reached: Mapping[int, Reached]) -> Usage:
        return Usage(self.seconds(), self._trial_log.epochs(), reached, self._trial_log.gpu_seconds())

    def stop_all(self) -> bool:
        if self._spec.budget.time is not None:
            self.check()
        return self.ending is not None
