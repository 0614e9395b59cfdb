"""Workers of Ray Tune: none that is starting is thrown away, and the end of a run waits for none that is busy.

Two things that Tune's controller does otherwise:

1. A worker that has become free goes to any trial that waits, also to one whose own worker has its resources and is
   starting. That worker is thrown away, seconds of a processor later the next one, and so on: one trains everything.
2. At the end it waits for every worker, up to 15 s for those that are starting, are in the middle of an epoch, or have
   ended already without being crossed off.
"""

from __future__ import annotations

import functools
import time
from typing import Any

from cluster.ray_internals.absence import excused

GRACE = 0.5
"""Seconds that workers which have nothing to do have to end by themselves; then all that are left are killed."""


def spare(wrapped: Any) -> None:
    """Let the controller behind ``wrapped``, which a scheduler is given at each call, be sparing from now on.

    Where Ray lacks what this needs, Tune does as it does. Workers that lead others (``reuse_actors`` is off) are left
    to it: they free what those hold.
    """
    with excused("how Tune keeps its workers"):
        controller = wrapped._tune_controller
        if type(controller) is not _sparing():
            controller.__class__ = _sparing()


@functools.cache
def _sparing() -> type:
    from ray.tune.execution.tune_controller import TuneController

    class Sparing(TuneController):
        """The class and nothing else is new, as Tune writes the attributes of its controller down."""

        def _maybe_reuse_cached_actor(self, trial: Any) -> bool:
            with excused("whether a trial's own worker is starting"):
                own = self._trial_to_actor.get(trial)
                if (
                    own is not None
                    and trial not in self._resetting_trials
                    and self._actor_manager.is_actor_started(own)
                ):
                    return False
            return bool(super()._maybe_reuse_cached_actor(trial))

        def _cleanup_trials(self) -> None:
            with excused("how Tune's workers are ended"):
                if self._reuse_actors:
                    _end(self)
                    return
            super()._cleanup_trials()

    return Sparing


def _end(controller: Any) -> None:
    for trial in list(controller._actor_to_trial.values()):
        controller._schedule_trial_stop(trial)
    controller._cleanup_cached_actors(force_all=True)
    manager, deadline = controller._actor_manager, time.monotonic() + GRACE
    while not controller._started_actors.isdisjoint(manager.live_actors):
        left = deadline - time.monotonic()
        if left <= 0:
            break
        manager.next(timeout=left)
    manager.cleanup()
