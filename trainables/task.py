"""`Task`: the base class of a PyTorch problem to tune: data, model, loss and metrics for Sieve's training loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.data import Batch, Data
from trainables.errors import TaskError

__all__ = ["Task", "TaskError", "TaskFunction"]

TaskFunction = Callable[..., None]
"""A plain training function, ``train(config, stage)``, which is a task, too."""


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
    """Folder of the data: the spec's ``data_dir``, else ``SIEVE_DATA``, else None; set before `data` is called."""

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

    def loss(self, model: nn.Module, batch: Batch, config: Mapping[str, Any]) -> Tensor:
        """The mean loss over a batch: a scalar tensor, shape (), with a gradient.

        ``batch`` is a tuple of tensors on the model's device, each with the examples along its first dimension, in the
        order of the arrays in `Data` or of the parts of a dataset's item. The default is cross entropy between
        ``model(*batch[:-1])`` and ``batch[-1]``, classes of shape (batch,) and dtype int64, with the config's
        ``label_smoothing`` (default 0). Other losses override it, e.g. for regression:

        >>> import torch
        >>> def loss(self, model, batch, config):
        ...     x, y = batch
        ...     return torch.nn.functional.mse_loss(model(x), y)
        >>> loss(None, torch.nn.Identity(), (torch.zeros(4, 1), torch.ones(4, 1)), {})
        tensor(1.)

        What is not a scalar raises a `TaskError`, a NaN or infinity ends the trial as `trainables.errors.Diverged`.
        """
        *inputs, target = batch
        return functional.cross_entropy(
            model(*inputs), target, label_smoothing=float(config.get("label_smoothing", 0.0))
        )

    def metrics(
        self,
        model: nn.Module,
        batch: Batch,
        config: Mapping[str, Any],
    ) -> Mapping[str, float | Tensor]:
        """Means over one validation batch by name: numbers or scalar tensors, computed without gradients in eval mode.

        ``name`` is reported as ``val_<name>``, the mean over all batches weighted by their sizes; ``batch`` is as in
        `loss`. The default is ``loss`` and ``accuracy`` (a fraction, 0 to 1); its loss is without label smoothing, so
        that trials that differ in it can be compared. A task with a loss of its own overrides both.
        """
        *inputs, target = batch
        scores = model(*inputs)
        return {
            "loss": functional.cross_entropy(scores, target),
            "accuracy": (scores.argmax(dim=1) == target).to(torch.float32).mean(),
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
