"""Learning curves for simulations: the metrics and the seconds of each epoch (a surrogate benchmark)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from trainables.stages import Stage


class Measurement(NamedTuple):
    """One epoch of training: the ``metrics`` after it (none: nothing is known then), and the ``seconds`` it took."""

    metrics: Mapping[str, float]
    seconds: float


class Curves(Protocol):
    """Learning curves of configs."""

    @property
    def configs(self) -> Sequence[Mapping[str, Any]] | None:
        """The flat configs that have a curve, each once; None when every config of the space has one."""

    @property
    def notes(self) -> Sequence[str]:
        """Notes on the curves for the user, in words."""

    def epoch(self, config: Mapping[str, Any], stage: Stage, epoch: int) -> Measurement | None:
        """The measurement of flat ``config`` after ``epoch``; None where its curve has ended before.

        ``epoch`` counts from 1 the epochs that its weights have seen, on the data of ``stage`` and of the stages before
        (of ``stage`` alone where that starts fresh). The end of a stage always has the metrics.

        Raises:
            UserError: the source returned no value and seconds for the config.
        """
