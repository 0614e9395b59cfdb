"""`Stage` and `Plan`: the coarse-to-fine ladder of fidelities (successive halving's rungs are its stage ends).

Plain data without torch or numpy, as the spec and the policy read it, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

Start = Literal["continue", "fresh"]


class PlanError(ValueError):
    """A rule of `Plan` is broken by the stage ``index`` (from 0), by its key ``field``.

    ``str()`` is the message, then the cure.
    """

    def __init__(self, index: int, field: str, message: str, cure: str) -> None:
        super().__init__(index, field, message, cure)
        self.index = index
        self.field = field
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}"


@dataclass(frozen=True)
class Stage:
    """One level of fidelity: how much data, and for how many epochs.

    =========== ================= ============ ==================================================================
    field       values            default      meaning
    =========== ================= ============ ==================================================================
    ``data``    > 0, <= 1         required     fraction of the training examples of each class
    ``epochs``  whole, >= 1       required     passes over them
    ``classes`` whole, >= 2, None None         number of classes used, for training and validation; None: all
    ``start``   continue, fresh   continue     weights, optimizer and schedule of the stage before, or new ones
    =========== ================= ============ ==================================================================

    Values are checked by `Plan`.

    >>> from trainables.stages import Stage
    >>> Stage(data=0.25, epochs=2).cost  # in full-data epoch equivalents
    0.5
    """

    data: float
    epochs: int
    classes: int | None = None
    start: Start = "continue"

    @property
    def cost(self) -> float:
        """Work of this stage alone, ``data * epochs`` full-data epochs; an upper bound with ``classes``."""
        return self.data * self.epochs


@dataclass(frozen=True)
class Plan:
    """The stages of a sweep, first to last; those in ``skipped`` (indices from 0, never the last) are not trained.

    ``transfer`` has the exponents by which stages scale values of the config: see `trainables.transfer`. Every
    method takes and returns indices of ``stages``; budgets are in full-data epoch equivalents.

    >>> from trainables.stages import Plan, Stage
    >>> plan = Plan((Stage(0.1, 2), Stage(0.5, 2), Stage(1.0, 3)))
    >>> len(plan), plan.last, plan.next(0), plan.total
    (3, 2, 1, 4.2)
    >>> plan.without([1]).next(0)
    2
    >>> Plan((Stage(0.5, 2), Stage(0.1, 20)))
    Traceback (most recent call last):
    ...
    trainables.stages.PlanError: data fractions never fall: 0.1 after 0.5; use >= 0.5

    Raises:
        PlanError: a value is out of range, fractions or classes fall, or a stage trains its weights for no more
            budget than the stage before.
    """

    stages: tuple[Stage, ...]
    skipped: tuple[int, ...] = ()
    transfer: tuple[tuple[str, float], ...] = ()

    def __post_init__(self) -> None:
        if not self.stages:
            raise PlanError(0, "data", "a plan needs at least one stage", "write e.g. {data: 1.0, epochs: 10}")
        for index, stage in enumerate(self.stages):
            _check_stage(index, stage)
        for index in range(1, len(self.stages)):
            self._check_step(index)
        if not all(0 <= index < self.last for index in self.skipped):
            raise PlanError(
                self.last,
                "data",
                f"cannot skip stages {list(self.skipped)} of {len(self.stages)}",
                "skip any but the last, counted from 0",
            )

    def __len__(self) -> int:
        return len(self.stages)

    def __getitem__(self, index: int) -> Stage:
        return self.stages[index]

    @property
    def last(self) -> int:
        """Index of the last stage."""
        return len(self.stages) - 1

    def without(self, skipped: Iterable[int]) -> Plan:
        """The same plan with the stages ``skipped`` left out, too; indices stay as they are."""
        return replace(self, skipped=tuple(sorted({*self.skipped, *skipped})))

    def next(self, stage: int) -> int:
        """The next stage after ``stage`` that is trained; ``next(-1)`` is the first."""
        return next((k for k in range(stage + 1, self.last) if k not in self.skipped), self.last)

    def starts_fresh(self, before: int, stage: int) -> bool:
        """Whether weights start anew when a trial goes from stage ``before`` (-1: none) to ``stage``.

        They do where ``stage``, or a skipped stage between the two, says ``start: fresh``.
        """
        return before < 0 or any(self.stages[k].start == "fresh" for k in range(before + 1, stage + 1))

    def climb(self, stage: int) -> range:
        """The stages that train one set of weights, and so one schedule of lr: from a fresh start up to the next one.

        It is the one around ``stage``, without skipped stages at its start; empty where all of it is skipped.
        """
        fresh = [k for k in range(1, len(self)) if self.stages[k].start == "fresh"]
        low = max((k for k in fresh if k <= stage), default=0)
        return range(self.next(low - 1), min((k for k in fresh if k > stage), default=len(self)))

    @property
    def climbs(self) -> list[range]:
        """Every non-empty `climb`, first to last."""
        return [climb for climb in dict.fromkeys(map(self.climb, range(len(self)))) if climb]

    def first_epoch(self, stage: int) -> int:
        """Epochs that the weights were trained for when ``stage`` begins; 0 for a fresh start."""
        before = max((k for k in range(stage) if k not in self.skipped), default=-1)
        return 0 if self.starts_fresh(before, stage) else self.first_epoch(before) + self.stages[before].epochs

    def fidelity(self, stage: int) -> float:
        """Budget that went into the weights by the end of ``stage``, from the last fresh start on."""
        before = 0.0 if stage == 0 or self.stages[stage].start == "fresh" else self.fidelity(stage - 1)
        return before + self.stages[stage].cost

    def budget(self, stage: int, epochs: int) -> float:
        """Budget used by a trial after ``epochs`` epochs of ``stage``, earlier stages included unless skipped."""
        before = sum(self.stages[k].cost for k in range(stage) if k not in self.skipped)
        return round(before + self.stages[stage].data * epochs, 12)

    @property
    def total(self) -> float:
        """Budget of a trial that trains every stage to its end."""
        return self.budget(self.last, self.stages[self.last].epochs)

    def _check_step(self, index: int) -> None:
        before, stage = self.stages[index - 1], self.stages[index]
        if stage.data < before.data:
            raise PlanError(
                index,
                "data",
                f"data fractions never fall: {stage.data:g} after {before.data:g}",
                f"use >= {before.data:g}",
            )
        if (stage.classes or float("inf")) < (before.classes or float("inf")):
            raise PlanError(
                index,
                "classes",
                f"classes never fall: {stage.classes} after {before.classes or 'all'}",
                "use more or leave it out",
            )
        if self.fidelity(index) <= self.fidelity(index - 1):
            raise PlanError(
                index,
                "epochs",
                f"the budget must grow from stage to stage: {self.fidelity(index):g} after "
                f"{self.fidelity(index - 1):g} full-data epochs",
                "raise data or epochs",
            )


def optimizer_steps(examples: int, batch_size: int) -> int:
    """Optimizer steps of an epoch; a last batch of one example is dropped, as batch norm cannot train on it.

    >>> from trainables.stages import optimizer_steps
    >>> optimizer_steps(100, 32), optimizer_steps(97, 32), optimizer_steps(1, 32)
    (4, 3, 1)
    """
    return max(1, examples // batch_size + (examples % batch_size > 1))


def _check_stage(index: int, stage: Stage) -> None:
    if not 0.0 < stage.data <= 1.0:
        raise PlanError(index, "data", f"data is {stage.data:g}", "a stage uses a fraction in (0, 1], e.g. 0.1")
    if stage.epochs < 1:
        raise PlanError(index, "epochs", f"epochs is {stage.epochs}", "a stage trains for at least 1 epoch")
    if stage.classes is not None and stage.classes < 2:
        raise PlanError(index, "classes", f"classes is {stage.classes}", "telling classes apart needs at least 2")
    if stage.start not in ("continue", "fresh"):
        raise PlanError(index, "start", f"start is {stage.start!r}", "allowed: continue, fresh")
