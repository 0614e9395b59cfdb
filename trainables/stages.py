"""Stages: the coarse-to-fine ladder as plain data. No torch, no numpy: the spec and the policy read it too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Start = Literal["continue", "fresh"]


class PlanError(ValueError):
    """A plan of stages breaks a rule. ``index`` is the offending stage, ``field`` the key to point at."""

    def __init__(self, index: int, field: str, message: str) -> None:
        super().__init__(message)
        self.index = index
        self.field = field


@dataclass(frozen=True)
class Stage:
    """One level of the ladder.

    ``data`` is the fraction of the training examples of each class that is used, in (0, 1]; ``epochs`` the passes over
    them, >= 1; ``classes`` the number of classes used (None: all), >= 2; ``start`` whether the weights continue from
    the stage before or start anew.
    """

    data: float
    epochs: int
    classes: int | None = None
    start: Start = "continue"

    @property
    def cost(self) -> float:
        """Work of this stage alone in full-data epoch equivalents (an upper bound where ``classes`` is set)."""
        return self.data * self.epochs


@dataclass(frozen=True)
class Plan:
    """The stages of a sweep, first to last.

    Raises:
        PlanError: a value is out of range, fractions or classes fall, or a stage trains its weights for no more
            budget than the stage before.
    """

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if not self.stages:
            raise PlanError(0, "data", "a plan needs at least one stage; write e.g. {data: 1.0, epochs: 10}")
        for index, stage in enumerate(self.stages):
            _check_stage(index, stage)
        for index in range(1, len(self.stages)):
            self._check_step(index)

    def __len__(self) -> int:
        return len(self.stages)

    def __getitem__(self, index: int) -> Stage:
        return self.stages[index]

    @property
    def last(self) -> int:
        """Index of the last stage."""
        return len(self.stages) - 1

    def first_epoch(self, stage: int) -> int:
        """Epochs the weights have seen when ``stage`` begins: 0 for a fresh start."""
        if stage == 0 or self.stages[stage].start == "fresh":
            return 0
        return self.first_epoch(stage - 1) + self.stages[stage - 1].epochs

    def fidelity(self, stage: int) -> float:
        """Budget that went into the weights at the end of ``stage``; a fresh start forgets what came before."""
        before = 0.0 if stage == 0 or self.stages[stage].start == "fresh" else self.fidelity(stage - 1)
        return before + self.stages[stage].cost

    def budget(self, stage: int, epochs: int) -> float:
        """Work done, in full-data epoch equivalents, after ``epochs`` passes of ``stage`` (all earlier ones done)."""
        return round(sum(s.cost for s in self.stages[:stage]) + self.stages[stage].data * epochs, 12)

    @property
    def total(self) -> float:
        """Budget of a trial that climbs every stage: what training it in full costs."""
        return self.budget(self.last, self.stages[self.last].epochs)

    def _check_step(self, index: int) -> None:
        before, stage = self.stages[index - 1], self.stages[index]
        if stage.data < before.data:
            raise PlanError(
                index,
                "data",
                f"data fractions never fall: {stage.data:g} after {before.data:g}; use >= {before.data:g}",
            )
        if (stage.classes or float("inf")) < (before.classes or float("inf")):
            raise PlanError(
                index,
                "classes",
                f"classes never fall: {stage.classes} after {before.classes or 'all'}; use more or leave it out",
            )
        if self.fidelity(index) <= self.fidelity(index - 1):
            raise PlanError(
                index,
                "epochs",
                f"the budget must grow from stage to stage: {self.fidelity(index):g} after "
                f"{self.fidelity(index - 1):g} full-data epochs; raise data or epochs",
            )


def _check_stage(index: int, stage: Stage) -> None:
    if not 0.0 < stage.data <= 1.0:
        raise PlanError(index, "data", f"data is {stage.data:g}; a stage uses a fraction in (0, 1], e.g. 0.1")
    if stage.epochs < 1:
        raise PlanError(index, "epochs", f"epochs is {stage.epochs}; a stage trains for at least 1 epoch")
    if stage.classes is not None and stage.classes < 2:
        raise PlanError(index, "classes", f"classes is {stage.classes}; telling classes apart needs at least 2")
    if stage.start not in ("continue", "fresh"):
        raise PlanError(index, "start", f"start is {stage.start!r}; allowed: continue, fresh")
