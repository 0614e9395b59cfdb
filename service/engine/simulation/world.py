"""The surroundings of a simulated sweep in all its rounds: virtual clock, curves, used budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from service.engine.curves import Curves
from service.engine.simulation.options import SimulationOptions
from service.engine.simulation.snapping import Snapping
from service.policy.limits import max_trials
from service.policy.observation import Observation
from service.policy.search.warm_start.past import Past
from service.spec import Spec, load


@dataclass
class World:
    """The curves, the virtual clock, and what has been used so far.

    ``now`` is in virtual seconds since the start, ``epochs`` the budget used in full-data epoch equivalents,
    ``gpu_seconds`` that of GPUs,
    ``latencies`` the real seconds of each call of the policy by kind, ``exhausted`` the trials whose curves ended, and
    ``past`` the trials of earlier rounds. ``foreign`` is the class of the searcher where that is the user's own,
    ``lessons`` what it learns from.
    """

    curves: Curves
    options: SimulationOptions
    foreign: type | None = None
    lessons: Sequence[Past] = ()
    now: float = 0.0
    epochs: float = 0.0
    gpu_seconds: float = 0.0
    exhausted: int = 0
    past: list[Observation] = field(default_factory=list)
    latencies: dict[str, list[float]] = field(default_factory=lambda: {"next": [], "judge": []})
    snapping: Snapping | None = field(init=False)

    def __post_init__(self) -> None:
        self.snapping = None if self.curves.configs is None else Snapping(self.curves.configs)

    def limited(self, spec: Spec) -> Spec | None:
        """``spec`` with no more trials than there are configs left in its space; None if there are none."""
        if self.snapping is None:
            return spec
        left = self.snapping.enter(spec.space)
        if not left:
            return None
        raw = spec.to_dict()
        raw["search"]["trials"] = min(max_trials(spec) or left, left)
        return load(raw)
