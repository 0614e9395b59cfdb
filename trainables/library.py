"""Tasks whose loop belongs to a library, such as Lightning or transformers: Sieve keeps the stages, epoch by epoch.

Neither library is needed here: `trainables.lightning` and `trainables.huggingface` import theirs, and only a task that
uses one of them loads it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from trainables.data import Data
from trainables.errors import TaskError, nearest
from trainables.rows import part
from trainables.seeding import INITIALIZATION, derive, seed_all
from trainables.stages import Plan, Stage


@dataclass(frozen=True)
class Span:
    """Some stages on end: their ``epochs``, and the ``steps`` of the optimizer in them."""

    epochs: int
    steps: int


@dataclass(frozen=True)
class Epoch:
    """What the library trains next: the examples, the ``seed`` of all draws, and the stages just ``skipped``."""

    train: Dataset[Any]
    validation: Dataset[Any]
    seed: int
    skipped: Span


@dataclass(frozen=True)
class Trained:
    """What came of an epoch: metrics, the library's whole ``checkpoint``, and whether a callback asked to ``stop``."""

    metrics: dict[str, float]
    checkpoint: Any
    stop: bool


class LibraryTask(ABC):
    """What the adapters' task classes share; subclass one of theirs, with a constructor that takes no arguments."""

    data_dir: Path | None = None
    """Where the data files are, as far as the sweep or the environment says so; set before ``data`` is called."""

    columns: tuple[str, ...] = ()
    """A name for each array of the data, where batches are mappings; otherwise they are tuples."""

    @abstractmethod
    def data(self) -> Data:
        """All training and validation examples, arrays or map-style datasets; see `trainables.data.Data`."""

    @abstractmethod
    def run(self, data: Data, config: Mapping[str, Any], plan: Plan, seed: int, data_seed: int = 0) -> LibraryRun:
        """What climbs the stages of ``plan`` with this task."""


class LibraryRun(ABC):
    """Climbs the stages with a library's trainer, one call of it per epoch.

    Each call goes on from the library's own checkpoint of the epoch before, also where nothing was interrupted, so that
    a resumed trial cannot differ from a straight one. The trainer is told the epochs and steps of the whole ``climb``,
    from one fresh start to the next, whether or not the trial gets that far: a schedule spans the stages. Where the
    plan skips a stage on the way, schedules move on as if it had been trained. The draws of an epoch depend on the seed
    and the epoch's number only. A callback that asks to stop ends the stage, which then counts in full.
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
        self.config = config
        self._data = data.unpacked()
        self._plan = plan
        self._seeds = (seed, data_seed)
        self._begin()

    @abstractmethod
    def make(self) -> nn.Module:
        """A new model, its random draws seeded by the caller.

        Raises:
            TaskError: the task returns something else.
        """

    @abstractmethod
    def steps(self, examples: Dataset[Any]) -> int:
        """Steps of the optimizer in an epoch over ``examples``."""

    @abstractmethod
    def train(self, epoch: Epoch) -> Trained:
        """Train ``self.model`` for an epoch of ``self.climb``, from ``self.checkpoint``, or from the start if None."""

    def run_epoch(self) -> dict[str, float]:
        """Train for the next epoch, entering the next stage if this one is over, and return its metrics.

        Raises:
            Diverged: the training loss is NaN or infinite.
            TaskError: the task returns what it should not.
        """
        skipped: Iterable[int] = ()
        if self.done == self._plan[self.stage].epochs:
            skipped = self._go_on()
        seed, data_seed = self._seeds
        stage = self._plan[self.stage]
        before = sum(earlier.epochs for earlier in self._plan.stages[: self.stage]) + self.done
        validation = part(self._data.validation, self._data.validation_indices(stage, data_seed), self.task.columns)
        trained = self.train(
            Epoch(self._training(stage), validation, derive(seed, 1 + before), self._span(skipped)),
        )
        self.checkpoint = trained.checkpoint
        self.done = stage.epochs if trained.stop else self.done + 1
        return trained.metrics

    def state(self) -> dict[str, Any]:
        """Everything a new object of the same arguments needs to go on bit for bit."""
        return {"stage": self.stage, "done": self.done, "checkpoint": self.checkpoint}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        before, self.stage, self.done = self.stage, state["stage"], state["done"]
        if self._plan.climb(before) != self._plan.climb(self.stage):
            self._begin()
        self.checkpoint = state["checkpoint"]

    def close(self) -> None:  # noqa: B027
        """Nothing to end; the library runs only while ``run_epoch`` does."""

    def _begin(self) -> None:
        seed_all(self._seeds[0], INITIALIZATION)
        self.model = self.make()
        self.climb = self._span(self._plan.climb(self.stage))
        self.checkpoint = None

    def _go_on(self) -> range:
        before, self.stage, self.done = self.stage, self._plan.next(self.stage), 0
        if self._plan.starts_fresh(before, self.stage):
            self._begin()
            return range(0)
        return range(before + 1, self.stage)

    def _training(self, stage: Stage) -> Dataset[Any]:
        return part(self._data.train, self._data.training_indices(stage, self._seeds[1]), self.task.columns)

    def _span(self, stages: Iterable[int]) -> Span:
        chosen = [self._plan[stage] for stage in stages]
        steps = sum(self.steps(self._training(stage)) * stage.epochs for stage in chosen)
        return Span(sum(stage.epochs for stage in chosen), steps)


def check_keywords(given: Mapping[str, Any], allowed: Collection[str], owned: Collection[str], method: str) -> None:
    """See that a task's ``method`` gives keywords that are ``allowed`` and not ``owned`` by Sieve.

    Raises:
        TaskError: one is not; names it and the nearest allowed one.
    """
    for name in given:
        if name in owned:
            raise TaskError(f"{method} gives {name}, which Sieve sets; leave it out")
        if name not in allowed:
            raise TaskError(
                f"{method} gives {name}{nearest(name, allowed)}, which the library does not have; rename it"
            )
