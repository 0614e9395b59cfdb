"""The base of tasks that a library's ``Trainer`` trains, an epoch at a time: of Lightning's and transformers' adapters.

Neither library is imported here: `trainables.lightning` and `trainables.huggingface` import theirs, and only a task
that uses one of them loads it.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn
from torch.utils.data import Dataset

from trainables.adapters.rows import part
from trainables.data import Data
from trainables.errors import TaskError
from trainables.exits import caught
from trainables.loop.seeding import INITIALIZATION, derive, seed_all
from trainables.nearest import nearest
from trainables.stages import Plan, Stage


class Span(NamedTuple):
    """A length of training: ``epochs``, and the ``steps`` of the optimizer in them."""

    epochs: int
    steps: int


@dataclass(frozen=True)
class Epoch:
    """The next epoch to train: its examples, the ``seed`` of all its draws, and the training ``skipped`` before it."""

    train: Dataset[Any]
    validation: Dataset[Any]
    seed: int
    skipped: Span


@dataclass(frozen=True)
class Trained:
    """The result of an epoch: metrics, the library's ``checkpoint``, and whether a callback asked to ``stop``.

    ``steps`` are the optimizer's, fewer than the epoch has where a callback ended it early.
    """

    metrics: dict[str, float]
    checkpoint: Any
    steps: int
    stop: bool


class LibraryTask(ABC):
    """The common base of `trainables.lightning.LightningTask` and `trainables.huggingface.TransformersTask`."""

    data_dir: Path | None = None
    """Folder of the data: the spec's ``data_dir``, else ``SIEVE_DATA``, else None; known to every method."""

    columns: tuple[str, ...] = ()
    """A name for each array of the data, so that batches are mappings; empty: they are tuples."""

    @abstractmethod
    def data(self) -> Data:
        """All training and validation examples, arrays or map-style datasets, the same ones at each call.

        See `trainables.data.Data` for shapes and dtypes. Each worker process calls it at most once.
        """

    @abstractmethod
    def run(self, data: Data, config: Mapping[str, Any], plan: Plan, seed: int, data_seed: int = 0) -> LibraryRun:
        """The run of one trial of ``config`` over the stages of ``plan``."""


class LibraryRun(ABC):
    """The run of one trial by a library's ``Trainer``, one call of it per epoch.

    Each call resumes from the library's own checkpoint of the epoch before, even where nothing was interrupted, so that
    a resumed trial cannot differ from an uninterrupted one. The ``Trainer`` is given the epochs and steps of the whole
    ``climb``, from one fresh start to the next, whether or not the trial gets that far: a schedule spans the stages.
    Where the plan skips a stage, schedules are stepped as if it had been trained. The random draws of an epoch depend
    on the seed and the epoch's number only.

    A callback that asks to stop ends the stage, which then counts in full: schedules are stepped as if it had been
    trained to its end, and the callbacks' states are cleared.
    """

    model: nn.Module
    climb: Span
    checkpoint: Any

    def __init__(
        self, task: LibraryTask, data: Data, config: Mapping[str, Any], plan: Plan, seed: int, data_seed: int = 0
    ) -> None:
        self.stage = plan.next(-1)
        self.done = 0
        self.task = task
        self._config = config
        self._data = data.unpacked()
        self._plan = plan
        self._seeds = (seed, data_seed)
        self._left: Span | None = None  # of a stage that a callback ended
        self._begin()

    @property
    def config(self) -> dict[str, Any]:
        """The config that was assigned, for a method of the task: a copy each time, which that may change."""
        return copy.deepcopy(dict(self._config))

    @abstractmethod
    def make(self) -> nn.Module:
        """A new model; the caller seeds the random generators.

        Raises:
            TaskError: the task returns no model.
        """

    @abstractmethod
    def steps(self, examples: Dataset[Any]) -> int:
        """Optimizer steps of an epoch over ``examples``."""

    @abstractmethod
    def train(self, epoch: Epoch) -> Trained:
        """Train ``self.model`` for an epoch, from ``self.checkpoint``, or from the start if that is None."""

    @abstractmethod
    def forget(self) -> None:
        """Clear the callbacks' states in ``self.checkpoint``."""

    def run_epoch(self) -> dict[str, float]:
        """Train for the next epoch, entering the next stage if this one is over, and return its metrics.

        Raises:
            Diverged: the training loss is NaN or infinite.
            TaskError: the task returns something of a wrong type.
        """
        skipped = self._go_on() if self.done == self._plan[self.stage].epochs else Span(0, 0)
        seed, data_seed = self._seeds
        stage = self._plan[self.stage]
        before = sum(earlier.epochs for earlier in self._plan.stages[: self.stage]) + self.done
        validation = part(self._data.validation, self._data.validation_indices(stage, data_seed), self.task.columns)
        with caught("the task"):
            trained = self.train(Epoch(self._training(stage), validation, derive(seed, 1 + before), skipped))
        self.checkpoint = trained.checkpoint
        if trained.stop:
            rest = self._span([replace(stage, epochs=stage.epochs - self.done)])
            # Where a module steps several optimizers itself, Lightning counts more steps than the epoch has.
            self._left = Span(rest.epochs - 1, max(0, rest.steps - trained.steps))
        self.done = stage.epochs if trained.stop else self.done + 1
        return trained.metrics

    def state(self) -> dict[str, Any]:
        """The whole state of the run: a new run of the same arguments that loads it continues bit for bit."""
        return {"stage": self.stage, "done": self.done, "left": self._left, "checkpoint": self.checkpoint}

    def load(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``."""
        before, self.stage, self.done = self.stage, state["stage"], state["done"]
        if self._plan.climb(before) != self._plan.climb(self.stage):
            self._begin()
        self._left, self.checkpoint = state["left"], state["checkpoint"]

    def close(self) -> None:  # noqa: B027
        """Do nothing: the library runs only while `run_epoch` does."""

    def _begin(self) -> None:
        seed_all(self._seeds[0], INITIALIZATION)
        with caught("the task"):
            self.model = self.make()
        self.climb = self._span(self._plan[stage] for stage in self._plan.climb(self.stage))
        self.checkpoint = None

    def _go_on(self) -> Span:
        """Enter the next stage; returns the training that is skipped before it."""
        before, left = self.stage, self._left
        self.stage, self.done, self._left = self._plan.next(before), 0, None
        if self._plan.starts_fresh(before, self.stage):
            self._begin()
            return Span(0, 0)
        skipped = self._span(self._plan.stages[before + 1 : self.stage])
        if left is None:
            return skipped
        self.forget()
        return Span(left.epochs + skipped.epochs, left.steps + skipped.steps)

    def _training(self, stage: Stage) -> Dataset[Any]:
        return part(self._data.train, self._data.training_indices(stage, self._seeds[1]), self.task.columns)

    def _span(self, stages: Iterable[Stage]) -> Span:
        spans = [(stage.epochs, self.steps(self._training(stage)) * stage.epochs) for stage in stages]
        return Span(sum(epochs for epochs, _ in spans), sum(steps for _, steps in spans))


def check_keywords(given: Mapping[str, Any], allowed: Collection[str], owned: Collection[str], method: str) -> None:
    """Check that the keywords ``given`` by a task's ``method`` are ``allowed`` and not ``owned`` by Sieve.

    Raises:
        TaskError: with the keyword and the nearest allowed one.
    """
    for name in given:
        if name in owned:
            raise TaskError(f"{method} gives {name}, which Sieve sets", "leave it out")
        if name not in allowed:
            raise TaskError(
                f"{method} gives {name}{nearest(name, allowed)}, which the library does not have", "rename it"
            )
