"""Tune's Hyperband, held to one bracket that its owner fills: Tune itself makes brackets as trials come.

Of a trial Tune's Hyperband looks at ``trial_id``, ``status`` and ``is_saving`` alone, and of its controller it calls
`stop_trial` alone; so both may be stand-ins. Tune's ASHA looks at ``trial_id`` alone, and at no controller.
"""

from __future__ import annotations

from typing import Any

from cluster.ray_internals.absence import refused


class OneBracket:
    """The only bracket of a `HyperBandScheduler`, with ``halvings`` halvings; ``size`` is how many trials it takes.

    Raises:
        RayChanged: Ray keeps brackets otherwise.
    """

    def __init__(self, scheduler: Any, halvings: int) -> None:
        with _needed():
            self.size = int(scheduler._get_n0(halvings))
            self._bracket = scheduler._create_bracket(halvings)
            self.places(self.size)
            if scheduler._state["bracket"] is not None:
                raise TypeError("a scheduler without trials has a bracket")
            scheduler._state["bracket"] = self._bracket

    def places(self, count: int) -> None:
        """Of how many trials halvings keep their share, whoever has come."""
        with _needed():
            vars(self._bracket)["_n"]  # an attribute that is set is no proof that it is read
            self._bracket._n = count


def _needed() -> Any:
    return refused("the schedule hyperband", "choose promote or asha as schedule.algorithm")
