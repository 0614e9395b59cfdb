"""A stage as a plain training function sees it: its epochs, its data, its checkpoint, and where it reports."""

from __future__ import annotations

import io
import queue
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Subset

from trainables.data import Array, check_dataset, integer_labels, length
from trainables.datasets.array_likes import check_rows, is_array, take
from trainables.datasets.subset import subset_indices
from trainables.errors import TaskError
from trainables.loop.assignment import Position
from trainables.loop.seeding import seed_all
from trainables.loop.validation import named, number
from trainables.stages import Plan


class Ended(BaseException):
    """Unwinds the user's function when its trial ends; no ``except Exception`` of theirs catches it."""


class Saved:
    """The newest checkpoint a function gave, serialized at once as its tensors may change, and where it was given."""

    def __init__(self, content: bytes | None = None, position: Position = (0, 0)) -> None:
        self.content = content
        self.position = position

    def store(self, value: Any, position: Position) -> None:
        buffer = io.BytesIO()
        torch.save(value, buffer)
        self.content, self.position = buffer.getvalue(), position

    def load(self) -> Any:
        return None if self.content is None else torch.load(io.BytesIO(self.content), weights_only=False)


class StageHandle:
    """One stage, as a training function sees it.

    ``index`` (from 0), ``data``, ``epochs`` and ``classes`` are those of the plan; ``seed`` is the trial's;
    ``data_dir`` is the folder of the data that the spec or SIEVE_DATA names, None without either. Iterating
    yields the epochs of this stage that are still to do, counted from 0, and seeds Python, numpy and torch for each.
    """

    def __init__(
        self, plan: Plan, position: Position, seed: int, data_seed: int, saved: Saved, data_dir: Path | None = None
    ) -> None:
        self.index, self._reported = position
        self._stage = plan[self.index]
        self.data = self._stage.data
        self.epochs = self._stage.epochs
        self.classes = self._stage.classes
        self.seed = seed
        self.saved = saved
        self.data_dir = data_dir
        self.outbox: queue.SimpleQueue[dict[str, float] | BaseException] = queue.SimpleQueue()
        self._data_seed = data_seed
        self._before = sum(stage.epochs for stage in plan.stages[: self.index])
        # What was reported after the newest checkpoint is trained again, but not reported again.
        self._done = saved.position[1] if saved.position[0] == self.index else 0
        self._epoch: int | None = None
        self._last: dict[str, float] | None = None
        self._turn = threading.Semaphore(0)
        self._ended = False

    def __iter__(self) -> Iterator[int]:
        for epoch in range(self._done, self.epochs):
            self._epoch = epoch
            seed_all(self.seed, 1 + self._before + epoch)
            yield epoch

    @property
    def checkpoint(self) -> Any:
        """The newest object given to `report`, of this stage or of one that it continues; None if there is none."""
        return self.saved.load()

    def subset(self, examples: Any, labels: Array | None = None) -> Any:
        """The training examples of this stage, as stratified and nested as those of a task class.

        ``examples`` is a tuple of arrays, one array, or a map-style dataset; the result is of the same kind. Arrays are
        numpy's and torch's, Series, tables and, in a tuple, lists: all taken by position. ``labels`` gives the class of
        each; by default the last array, if it is a vector of integers.

        Raises:
            TaskError: the stage's fraction leaves no example, there are too few classes, or the examples or labels
                are not what is said here.
        """
        if is_array(examples):
            return self.subset((examples,), labels)[0]
        size = _size(examples)
        classes = integer_labels(examples) if labels is None else np.asarray(labels)
        if classes is not None and len(classes) != size:
            raise TaskError(f"there are {len(classes)} labels for {size} examples; give one for each")
        indices = subset_indices(size if classes is None else classes, self._stage, self._data_seed)
        if isinstance(examples, tuple):
            return tuple(take(array, indices) for array in examples)
        return Subset(examples, indices.tolist())

    def report(self, metrics: Mapping[str, Any], checkpoint: Any = None) -> None:
        """Hand in the metrics of an epoch, once per epoch; returns when the trial may go on.

        ``checkpoint`` is anything ``torch.save`` can write, e.g. a dict of state dicts; it is copied. A killed trial
        resumes after the newest one, or at the start of the stage without any.

        Raises:
            TaskError: more reports than epochs, or a value that is not a number.
        """
        if self._ended:
            raise Ended
        epoch = self._done + 1 if self._epoch is None else self._epoch + 1
        if epoch <= self._done or epoch > self.epochs:
            raise TaskError(
                f"stage {self.index} has {self.epochs} epochs and {self._done} reports already; "
                "report once per epoch, e.g. at the end of each pass of `for epoch in stage:`"
            )
        self._done, self._last = epoch, _numbers(metrics)
        if checkpoint is not None:
            self.saved.store(checkpoint, (self.index, epoch))
        # The last report is handed over when the function returns, so that it gets to run to its end.
        if self._reported < epoch < self.epochs:
            self.outbox.put(self._last)
            self._wait()

    def returned(self) -> None:
        """The function has returned: hand over its last report as the end of the stage.

        A function that returns before its last epoch reports its last values once more, as those of the last epoch:
        the stage counts in full.
        """
        if self._last is None:
            raise TaskError(
                f"the function returned from stage {self.index} without a report; "
                "call stage.report({...}) at the end of each epoch"
            )
        self._done = self.epochs
        self.outbox.put(self._last)

    def proceed(self) -> None:
        """Let the function out of `report`."""
        self._turn.release()

    def end(self) -> None:
        """Let the function out of `report` by unwinding it."""
        self._ended = True
        self._turn.release()

    @property
    def done(self) -> int:
        """Epochs reported so far."""
        return self._done

    def _wait(self) -> None:
        self._turn.acquire()
        if self._ended:
            raise Ended


def _size(examples: Any) -> int:
    """How many ``examples`` there are, which must be as `StageHandle.subset` says."""
    if not isinstance(examples, tuple):
        check_dataset("examples", examples)
        return length(examples)
    for position, array in enumerate(examples):
        check_rows(f"examples/{position}", array)
    sizes = [len(array) for array in examples]
    if len(set(sizes)) != 1:
        raise TaskError(f"examples has arrays of {sizes} examples; give each the same number")
    return sizes[0]


def _numbers(metrics: Any) -> dict[str, float]:
    cure = "report a number, e.g. with .item() or .mean()"
    return {name: number(name, value, cure) for name, value in named("report()", metrics).items()}
