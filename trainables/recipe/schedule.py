"""`LRSchedule`: a linear warm-up, then one of torch's ``lr_scheduler`` classes, over the stages of one fresh start."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LinearLR, LRScheduler, ReduceLROnPlateau


class LRSchedule:
    """Linear warm-up over ``warmup`` steps to the rate where ``main`` begins, then ``main`` (None: a constant rate).

    Call `step` after every optimizer step, `end_epoch` after every epoch, and `begin_stage` where a stage begins.
    ``last_epoch`` counts the steps, as torch's schedules do. Not torch's ``SequentialLR``, which does not take a
    ``ReduceLROnPlateau``.
    """

    def __init__(self, optimizer: Optimizer, main: LRScheduler | None, warmup: int) -> None:
        self.last_epoch = 0
        self._optimizer = optimizer
        self._main = main
        self._warmup = warmup
        self._begin = [group["lr"] for group in optimizer.param_groups]
        self._rise = LinearLR(optimizer, 1 / (warmup + 1), 1.0, warmup) if warmup else None

    def step(self) -> None:
        """Set the rate of the next optimizer step."""
        self.last_epoch += 1
        if self.last_epoch < self._warmup and self._rise is not None:
            _step(self._rise)
        elif self.last_epoch == self._warmup:
            for group, rate in zip(self._optimizer.param_groups, self._begin, strict=True):
                group["lr"] = rate
        elif self._main is not None and not isinstance(self._main, ReduceLROnPlateau):
            _step(self._main)

    def end_epoch(self, loss: float) -> None:
        """Step a ``ReduceLROnPlateau`` with the epoch's ``loss``, once the warm-up is over; nothing for the others."""
        if isinstance(self._main, ReduceLROnPlateau) and self.last_epoch >= self._warmup:
            self._main.step(loss)

    def begin_stage(self) -> None:
        """Reset the best loss of a ``ReduceLROnPlateau``: losses of another stage are on other data."""
        if isinstance(self._main, ReduceLROnPlateau):
            self._main.best, self._main.num_bad_epochs = math.inf, 0

    def state_dict(self) -> dict[str, Any]:
        """The state of the schedules; the rates themselves are in the optimizer's state."""
        parts = {"main": self._main, "rise": self._rise}
        states = {name: part.state_dict() for name, part in parts.items() if part is not None}
        return {"last_epoch": self.last_epoch, **states}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``."""
        self.last_epoch = state["last_epoch"]
        for name, part in (("main", self._main), ("rise", self._rise)):
            if part is not None:
                part.load_state_dict(state[name])


def _step(schedule: LRScheduler) -> None:
    if schedule.last_epoch > 0:
        schedule.step()
        return
    with warnings.catch_warnings():
        # After a resume the schedule may be stepped past a skipped stage before the new optimizer has made a step.
        warnings.filterwarnings("ignore", message="Detected call of `lr_scheduler.step", category=UserWarning)
        schedule.step()
