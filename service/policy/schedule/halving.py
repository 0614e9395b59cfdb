"""Successive halving of one bracket by Ray Tune's ``HyperBandScheduler``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import HyperBandScheduler

from cluster.errors import RayChanged
from cluster.ray_internals.hyperband import OneBracket
from service.policy.schedule.clock import stage_end
from service.spec.errors import UserError


@dataclass(eq=False)
class _Shown:
    """The attributes of a Tune ``Trial`` that ``HyperBandScheduler`` reads; a trial that reports is paused already."""

    trial: int
    trial_id: str
    status: str = Trial.PAUSED
    is_saving: bool = False


class Halving(HyperBandScheduler):
    """``HyperBandScheduler`` with one bracket of ``halvings`` halvings, which is also its own ``TuneController``.

    ``size`` is the number of trials of a full bracket. Tune halves the trials that have reported so far, and keeps as
    many of a bracket of few trials as of a full one; here `halve` is given all trials of the rung, and `begin` the
    number of trials that the bracket had.
    """

    def __init__(self, halvings: int, last: int, factor: float) -> None:
        # Tune rounds times down to whole numbers, so that max_t has to be just after the last stage.
        end = stage_end(last, factor) * (1 + 1e-9)
        super().__init__("clock", "value", "max", max_t=end, reduction_factor=factor)
        try:
            self._bracket = OneBracket(self, halvings)
        except RayChanged as error:
            raise UserError(error.message, error.cure) from error
        self.size = self._bracket.size
        self._factor = factor
        self._shown: dict[int, _Shown] = {}
        self._lost: list[int] = []

    def begin(self, trials: list[int], places: int) -> None:
        """Let ``trials`` compete in a bracket that had ``places`` at first; of equals the one listed first goes on."""
        self._bracket.places(places)
        for trial in reversed(trials):
            self._shown[trial] = _Shown(trial, str(trial))
            self.on_trial_add(self, self._shown[trial])

    def halve(self, stage: int, scores: Mapping[int, float]) -> tuple[list[int], list[int]]:
        """(kept, lost) trials by their ``scores`` (larger is better) at the end of ``stage``.

        Trials without a score leave the bracket; scores of trials that left it before are ignored.
        """
        self._lost = []
        for trial in self._shown.keys() - scores.keys():
            self.on_trial_error(self, self._shown.pop(trial))
        for trial in [trial for trial in self._shown if trial in scores]:
            result = {"clock": stage_end(stage, self._factor), "value": scores[trial]}
            self.on_trial_result(self, self._shown[trial], result)
        return list(self._shown), self._lost

    def stop_trial(self, shown: Any) -> None:
        """``TuneController.stop_trial``: a trial is lost."""
        del self._shown[shown.trial]
        self._lost.append(shown.trial)
        self.on_trial_remove(self, shown)
