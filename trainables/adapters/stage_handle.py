"""`StageHandle`: what a plain training function is given, in place of Ray Tune's ``tune.report`` and checkpoints."""

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

from trainables.data import Array, length
from trainables.datasets.array_likes import check_rows, is_array, take
from trainables.datasets.labels import integer_labels
from trainables.datasets.map_style import check_dataset
from trainables.datasets.subset import subset_indices
from trainables.errors import TaskError, one_line, worded
from trainables.loop.assignment import Position
from trainables.loop.seeding import seed_all
from trainables.loop.validation import named, number
from trainables.stages import Plan


class Ended(BaseException):
    """Ends the user's function when its trial ends: raised in `StageHandle.report`, past any ``except Exception``."""


class Saved:
    """The newest checkpoint of a function, serialized at once as its tensors may change, and its position."""

    def __init__(self, content: bytes | None = None, position: Position = (0, 0)) -> None:
        self.content = content
        self.position = position

    def store(self, value: Any, position: Position) -> None:
        buffer = io.BytesIO()
        try:
            torch.save(value, buffer)
        except MemoryError:
            raise
        except Exception as error:
            raise TaskError(
                f"the checkpoint given to report() cannot be saved: {one_line(worded(error))}",
                "give plain data, tensors, arrays and state_dict()s, no functions, files or generators",
            ) from error
        self.content, self.position = buffer.getvalue(), position

    def load(self) -> Any:
        return None if self.content is None else torch.load(io.BytesIO(self.content), weights_only=False)


class StageHandle:
    """The ``stage`` of a training function ``train(config, stage)``: its epochs, data, checkpoint and reports.

    The function is called once for each stage, and again for a stage that was interrupted. It iterates over ``stage``,
    which yields the epochs that are still to do (from 0) and seeds ``random``, numpy and torch before each, and calls
    `report` once per epoch. One that returns before its last epoch ends the stage with its last report.

    ============ =============== ================================================================
    attribute    type            meaning
    ============ =============== ================================================================
    ``index``    int             number of the stage, from 0
    ``data``     float           fraction of the training examples, in (0, 1]; see `subset`
    ``epochs``   int             epochs of the whole stage, those done before included
    ``classes``  int, None       number of classes used; None: all
    ``seed``     int             seed of the trial
    ``data_dir`` Path, None      folder of the data: the spec's ``data_dir``, else ``SIEVE_DATA``
    ============ =============== ================================================================

    Sieve makes the handle; here `FunctionRun` stands for a trial:

    >>> import torch
    >>> from trainables.adapters.function import FunctionRun
    >>> from trainables.stages import Plan, Stage
    >>> def train(config, stage):
    ...     model = torch.nn.Linear(2, 1)
    ...     optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"])
    ...     if stage.checkpoint:
    ...         model.load_state_dict(stage.checkpoint)
    ...     inputs = stage.subset(torch.ones(64, 2))
    ...     for epoch in stage:
    ...         loss = model(inputs).square().mean()
    ...         optimizer.zero_grad()
    ...         loss.backward()
    ...         optimizer.step()
    ...         stage.report({"loss": loss.item(), "rows": len(inputs)}, checkpoint=model.state_dict())
    >>> trial = FunctionRun(train, {"lr": 0.1}, Plan((Stage(0.25, 1), Stage(1.0, 2))), seed=0)
    >>> reports = [trial.run_epoch() for epoch in range(3)]
    >>> [report["rows"] for report in reports]
    [16.0, 64.0, 64.0]
    >>> reports[0]["loss"] > reports[1]["loss"] > reports[2]["loss"]  # each stage goes on from the checkpoint
    True
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
        """The newest ``checkpoint`` given to `report`, in this stage or one that it continues; None without any.

        Tensors are loaded to the device they were saved from. A stage with ``start: fresh`` begins with None.
        """
        return self.saved.load()

    def subset(self, examples: Any, labels: Array | None = None) -> Any:
        """The training ``examples`` of this stage: its fraction of each class, a superset of the stage's before.

        ``examples`` is one array of shape (examples, ...), a tuple of these, or a map-style dataset; the result is of
        the same kind and dtype, a dataset's is a ``torch.utils.data.Subset``. Arrays are numpy's and torch's, Series,
        tables and, in a tuple, lists: all taken by position. ``labels`` of shape (examples,) gives the class of each as
        integers; the default None means the last array, if it is one-dimensional and integer, and else no classes. All
        trials of a sweep get the same examples.

        Raises:
            TaskError: the stage's fraction leaves no example, there are too few classes, or the examples or labels
                are not what is said here.
        """
        if is_array(examples):
            return self.subset((examples,), labels)[0]
        size = _size(examples)
        classes = integer_labels(examples) if labels is None else np.asarray(labels)
        if classes is not None and len(classes) != size:
            raise TaskError(f"there are {len(classes)} labels for {size} examples", "give one for each")
        indices = subset_indices(size if classes is None else classes, self._stage, self._data_seed)
        if isinstance(examples, tuple):
            return tuple(take(array, indices) for array in examples)
        return Subset(examples, indices.tolist())

    def report(self, metrics: Mapping[str, Any], checkpoint: Any = None) -> None:
        """Report the ``metrics`` of an epoch, as ``tune.report`` does; returns when the trial may train on.

        ``metrics`` maps names to numbers or one-element tensors. The sweep's metric must be among them at the end of a
        stage, and may be left out or NaN before. ``checkpoint`` is anything that ``torch.save`` can write, e.g. a dict
        of state dicts; it is copied at once. An interrupted trial resumes after its newest checkpoint, or, by default,
        at the start of the stage.

        Where the trial is stopped or paused here, the call does not return: ``finally`` blocks run and the function
        ends.

        Raises:
            TaskError: more reports than epochs, a value that is not a number, or a checkpoint that cannot be saved.
        """
        if self._ended:
            raise Ended
        epoch = self._done + 1 if self._epoch is None else self._epoch + 1
        if epoch <= self._done or epoch > self.epochs:
            raise TaskError(
                f"stage {self.index} has {self.epochs} epochs and {self._done} reports already",
                "report once per epoch, e.g. at the end of each pass of `for epoch in stage:`",
            )
        self._done, self._last = epoch, _numbers(metrics)
        if checkpoint is not None:
            self.saved.store(checkpoint, (self.index, epoch))
        # The last report is handed over when the function returns, so that it gets to run to its end.
        if self._reported < epoch < self.epochs:
            self.outbox.put(self._last)
            self._wait()

    def returned(self) -> None:
        """Hand the function's last report over as the end of the stage, once it has returned.

        After an early return these are the values of the stage's last epoch: the stage counts in full.

        Raises:
            TaskError: the function returned without a report.
        """
        if self._last is None:
            raise TaskError(
                f"the function returned from stage {self.index} without a report",
                "call stage.report({...}) at the end of each epoch",
            )
        self._done = self.epochs
        self.outbox.put(self._last)

    def proceed(self) -> None:
        """Let `report` return in the function's thread."""
        self._turn.release()

    def end(self) -> None:
        """Let `report` raise `Ended` in the function's thread."""
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
        raise TaskError(f"examples has arrays of {sizes} examples", "give each the same number")
    return sizes[0]


def _numbers(metrics: Any) -> dict[str, float]:
    cure = "report a number, e.g. with .item() or .mean()"
    return {name: number(name, value, cure) for name, value in named("report()", metrics).items()}
