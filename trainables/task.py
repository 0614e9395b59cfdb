"""`Task`: the base class of a PyTorch problem to tune: data, model, loss and metrics for Sieve's training loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.data import Data
from trainables.datasets.items import stacked
from trainables.datasets.nested import TARGETS, parted
from trainables.errors import TaskError

__all__ = ["Metric", "Task", "TaskError", "TaskFunction"]

TaskFunction = Callable[..., None]
"""A plain training function, ``train(config, stage)``, which is a task, too."""


@runtime_checkable
class Metric(Protocol):
    """What gathers over batches what is no mean of them, such as torchmetrics' ``Metric`` and ``MetricCollection``."""

    def update(self, *batch: Any, **more: Any) -> Any: ...
    def compute(self) -> Any: ...
    def reset(self) -> Any: ...


class Task(ABC):
    """A PyTorch problem to tune, trained by Sieve's loop and the keys of `trainables.recipe.Recipe`.

    Subclass it with a constructor that takes no arguments, and name the class ``module:Class`` in the spec. `data` and
    `model` are required; `loss` and `metrics` are those of classification unless overridden. ``config`` is one point of
    the search space as a nested dict, constants included. One instance serves many trials of a worker process, one
    after another, so keep nothing of a trial in it.

    A `TaskError` ends the trial with its message and is not retried; any other exception is (``retries``), except for
    `trainables.errors.Diverged` and running out of memory.

    >>> import numpy as np
    >>> from torch import nn
    >>> from trainables.data import Data
    >>> from trainables.task import Task
    >>> class Signs(Task):
    ...     def data(self):
    ...         x = np.random.default_rng(0).standard_normal((300, 2)).astype("float32")
    ...         y = (x.sum(axis=1) > 0).astype("int64")
    ...         return Data((x[:200], y[:200]), (x[200:], y[200:]))
    ...
    ...     def model(self, config):
    ...         return nn.Sequential(nn.Linear(2, config["hidden"]), nn.ReLU(), nn.Linear(config["hidden"], 2))
    >>> task, config = Signs(), {"hidden": 8, "lr": 0.01}
    >>> model, batch = task.model(config), task.data().unpacked().train  # a batch: a tuple of tensors
    >>> task.loss(model, batch, config).shape
    torch.Size([])
    >>> sorted(task.metrics(model, batch, config))
    ['accuracy', 'loss']
    """

    data_dir: Path | None = None
    """Folder of the data: the spec's ``data_dir``, else ``SIEVE_DATA``, else None; known to every method."""

    loader_options: Mapping[str, Any] = MappingProxyType({})
    """Arguments of torch's ``DataLoader``, such as ``num_workers`` or ``prefetch_factor``; see `trainables.loader`."""

    @abstractmethod
    def data(self) -> Data:
        """All training and validation examples, the same ones and in the same order at each call.

        Called at most once in each worker process. Arrays and tensors are loaded once on a node and shared by its
        workers, read-only; a ``Dataset`` is loaded by each worker. See `trainables.data.Data` for shapes and dtypes.
        """

    @abstractmethod
    def model(self, config: Mapping[str, Any]) -> nn.Module:
        """A new, untrained model for ``config``, on the CPU.

        The loop seeds torch, numpy and ``random`` before the call and moves the model to the GPU, if there is one,
        after it. With the default `loss` and `metrics`, ``model(*inputs)`` returns scores (logits) of shape
        (batch, classes). What is not an ``nn.Module`` raises a `TaskError`.
        """

    def collate(self, items: list[Any]) -> Any:
        """A batch of ``items``, on the CPU: what `loss` and `metrics` get, once it is on the model's device.

        ``items`` are those of the dataset; of arrays in `Data` each is a tuple of tensors, one row of each. The default
        stacks them. A task with items of different lengths overrides it:

        >>> import torch
        >>> from torch.nn.utils.rnn import pad_sequence
        >>> def collate(self, items):
        ...     texts, labels = zip(*items)
        ...     lengths = torch.tensor([len(text) for text in texts])
        ...     return pad_sequence(texts, batch_first=True), lengths, torch.stack(labels)
        >>> one, other = (torch.tensor([5, 6, 7]), torch.tensor(1)), (torch.tensor([8]), torch.tensor(0))
        >>> [part.tolist() for part in collate(None, [one, other])]
        [[[5, 6, 7], [8, 0, 0]], [3, 1], [1, 0]]

        A batch may be a tensor, a tuple, a dict or a dataclass of batches, nested, or an object with ``to(device)``. It
        is made of the examples of one micro-batch, in a trial of several processes of those of one process.
        """
        return stacked(items)

    @property
    def stacks(self) -> bool:
        """Whether the task leaves `collate` as it is, so that arrays are indexed in place."""
        return type(self).collate is Task.collate

    def loss(self, model: nn.Module, batch: Any, config: Mapping[str, Any]) -> Tensor:
        """The mean loss over a batch: a scalar tensor, shape (), with a gradient.

        ``batch`` is what `collate` made, on the model's device: by default a tuple of tensors, each with the examples
        along its first dimension, in the order of the arrays in `Data` or of the parts of a dataset's item. The default
        is cross entropy between ``model(*batch[:-1])`` and ``batch[-1]``, classes as integers of shape (batch,), with
        the config's ``label_smoothing`` (default 0). Where items are dicts the batch is one, and the default is that
        between ``model(**inputs)`` and its target: labels, label, targets, target or y. Other losses override it, e.g.
        for regression:

        >>> import torch
        >>> def loss(self, model, batch, config):
        ...     x, y = batch
        ...     return torch.nn.functional.mse_loss(model(x), y)
        >>> loss(None, torch.nn.Identity(), (torch.zeros(4, 1), torch.ones(4, 1)), {})
        tensor(1.)

        What is not a scalar raises a `TaskError`, a NaN or infinity ends the trial as `trainables.errors.Diverged`.
        """
        scores, target = _scored(model, batch)
        return functional.cross_entropy(scores, target, label_smoothing=float(config.get("label_smoothing", 0.0)))

    def metrics(
        self,
        model: nn.Module,
        batch: Any,
        config: Mapping[str, Any],
    ) -> Mapping[str, Any] | Metric:
        """Means over one validation batch by name: numbers or scalar tensors, computed without gradients in eval mode.

        ``name`` is reported as ``val_<name>``, the mean over all batches weighted by their sizes; ``batch`` is as in
        `loss`. A metric that a batch cannot have is left out there; its mean is that of the examples of the other
        batches. In place of a number, or of the mapping, may be a `Metric`, kept in the task and updated here: it is
        computed when all batches are through, and reset. A trial of several processes takes numbers alone.

        The default is ``loss`` and ``accuracy`` (a fraction, 0 to 1); its loss is without label smoothing, so that
        trials that differ in it can be compared. A task with a loss of its own overrides both.
        """
        scores, target = _scored(model, batch)
        return {
            "loss": functional.cross_entropy(scores, target),
            "accuracy": (scores.argmax(dim=1) == _numbered(scores, target)).to(torch.float32).mean(),
        }

    def summary(self, means: Mapping[str, float], examples: int) -> Mapping[str, float]:
        """The metrics of the whole validation set, reported as ``val_<name>``, from the means of `metrics` over it.

        ``examples`` is the number of validation examples. The default returns ``means``. A metric that is no mean, such
        as F1, is computed here from counts: `metrics` returns their means, and ``means[name] * examples`` is the sum.

        >>> def summary(self, means, examples):  # where metrics returns hits, positives and predicted
        ...     return {"f1": 2 * means["hits"] / (means["positives"] + means["predicted"])}
        >>> summary(None, {"hits": 0.2, "positives": 0.3, "predicted": 0.5}, 100)
        {'f1': 0.5}
        """
        return means


OWN = "or define loss() and metrics() in the task"


def _scored(model: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
    """The model's scores of a batch, and its classes as cross entropy takes them.

    Raises:
        TaskError: the batch has no target that can be told, or one or the other is not what cross entropy takes.
    """
    inputs, target = parted(batch)
    if isinstance(target, list) and target and isinstance(target[0], (str, bytes)):
        raise TaskError(f"the targets are texts, such as {target[0]!r}", "number the classes from 0")
    if not isinstance(target, Tensor):
        cure = f"name its target {' or '.join(TARGETS[:2])}" if isinstance(batch, Mapping) else "give the target last"
        raise TaskError(f"a batch is {_described(batch)}", f"{cure}, {OWN}")
    scores = model(**inputs) if isinstance(inputs, Mapping) else model(*inputs)
    if not isinstance(scores, Tensor):
        kind = type(scores).__name__
        raise TaskError(f"the model returns a {kind}", f"return the scores alone, {OWN}, which take what it returns")
    return scores, _classes(scores, target)


def _classes(scores: Tensor, target: Tensor) -> Tensor:
    if scores.shape == target.shape and target.is_floating_point():  # Probabilities of the classes.
        return target
    if target.is_floating_point() or target.is_complex():
        raise TaskError(
            f"the targets are {str(target.dtype).removeprefix('torch.')}, where cross entropy takes classes",
            f"give integers, {OWN}, e.g. with torch.nn.functional.mse_loss",
        )
    if target.ndim == 2 and target.shape[1] == 1 and scores.ndim == 2:
        target = target[:, 0]
    if scores.ndim < 2:
        raise TaskError(
            f"the model gives scores of shape {tuple(scores.shape)}",
            f"give one for each class, of shape (batch, classes), {OWN}",
        )
    if scores.shape == target.shape:
        raise TaskError(
            f"the targets have the shape of the scores, {tuple(target.shape)}",
            f"give the number of each example's class, e.g. y.argmax(axis=1), {OWN} for several classes at once",
        )
    return target.to(torch.int64)


def _numbered(scores: Tensor, target: Tensor) -> Tensor:
    """The likeliest class where ``target`` has the probability of each, as ``scores`` has a score."""
    return target.argmax(dim=1) if target.shape == scores.shape and target.is_floating_point() else target


def _described(batch: Any) -> str:
    if isinstance(batch, Mapping):
        return f"a dict of {', '.join(map(str, batch))}, of which none is the target, or several are"
    one = " of one" if isinstance(batch, (tuple, list)) and len(batch) == 1 else ""
    return f"a {type(batch).__name__}{one}, without a target that can be told"
