"""A task: a user's PyTorch problem as data, model, loss and metrics. Sieve owns the loop around it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.data import Batch, Data
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
    """Subclass it, with a constructor that takes no arguments, and name it ``module:Class`` in the spec.

    ``data`` and ``model`` are required. ``loss`` and ``metrics`` default to classification: the last element of a batch
    is the integer target, all the others are the model's inputs. ``config`` is one point of the search space, nested.
    One instance serves many trials of a worker process, one after another, so keep nothing of a trial in it.

    ``data_dir`` is the folder that the data are in: the sweep's ``data_dir``, else that of the environment's
    ``SIEVE_DATA``, else None. It is set before ``data`` is called.
    """

    data_dir: Path | None = None

    @abstractmethod
    def data(self) -> Data:
        """All training and validation examples; called once per worker process or less, and shared on a node."""

    @abstractmethod
    def model(self, config: Mapping[str, Any]) -> nn.Module:
        """A new model for ``config``, on the CPU; its random initialization is seeded by the caller."""

    def loss(self, model: nn.Module, batch: Batch, config: Mapping[str, Any]) -> Tensor:
        """Mean loss of a batch, a scalar with a gradient; cross entropy, with ``label_smoothing`` if configured."""
        *inputs, target = batch
        return functional.cross_entropy(
            model(*inputs), target, label_smoothing=float(config.get("label_smoothing", 0.0))
        )

    def metrics(
        self,
        model: nn.Module,
        batch: Batch,
        config: Mapping[str, Any],
    ) -> Mapping[str, Any] | Metric:
        """Means over one validation batch; reported as ``val_<name>``, averaged with the batch sizes as weights.

        A metric that a batch cannot have is left out there; its mean is that of the examples of the other batches. In
        place of a number, or of the mapping, may be a `Metric`, kept in the task and updated here: it is computed when
        all batches are through, and reset. A trial of several processes takes numbers alone.

        The default is ``loss`` and ``accuracy``. The loss is without label smoothing, so that trials that differ in it
        can be compared.
        """
        *inputs, target = batch
        scores = model(*inputs)
        return {
            "loss": functional.cross_entropy(scores, target),
            "accuracy": (scores.argmax(dim=1) == target).to(torch.float32).mean(),
        }

    def summary(self, means: Mapping[str, float], examples: int) -> Mapping[str, float]:
        """What is reported of the whole validation set, from the means of ``metrics`` over its ``examples``.

        The default reports the means. A metric that is no mean is computed here: ``metrics`` returns the means of what
        it takes, such as counts; ``means[name] * examples`` is then the sum over the whole set.
        """
        return means
