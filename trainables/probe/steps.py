"""An untrained model on one batch: its first loss, and what the task says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainables.data import Batch, Data, length
from trainables.errors import TaskError
from trainables.probe.contents import has_own_loss
from trainables.probe.evidence import FirstEvidence
from trainables.probe.sample import batch, chosen
from trainables.seeding import INITIALIZATION, seed_all
from trainables.task import Task

EXAMPLES, TRIED = 64, 8
"""Training examples of the batch, and validation examples that tell the metrics' names: some decode for long."""


def device() -> torch.device:
    """Where trials train: the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def first(task: Task, data: Data, config: Mapping[str, Any], on: torch.device) -> FirstEvidence:
    """The loss of an untrained model, and the names of its metrics (as they are reported, with ``val_``)."""
    data = data.unpacked()
    labels, own = data.labels, has_own_loss(task)
    classes = None if labels is None else len(np.unique(np.asarray(labels)))
    try:
        model = fresh(task, config, on)
        examples = one_batch(data, on)
        with torch.no_grad():
            loss = scalar(task.loss(model.train(), examples, config))
            model.eval()
            held_out = batch(data.validation, chosen(length(data.validation), TRIED), on)
            names = tuple(f"val_{name}" for name in reported(task, model, held_out, config))
        variance = None if classes is not None else _variance(examples[-1])
        return FirstEvidence(float(loss.detach()), classes, variance, own, ("train_loss", *names))
    except Exception as error:
        said = str(error) if isinstance(error, TaskError) else f"{type(error).__name__}: {error}"
        return FirstEvidence(None, classes, None, own, (), said)


def fresh(task: Task, config: Mapping[str, Any], on: torch.device) -> nn.Module:
    """A new model with the same initial weights each time.

    Raises:
        TaskError: ``model(config)`` fails, or returns something else.
    """
    seed_all(0, INITIALIZATION)
    model = task.model(config)
    if not isinstance(model, nn.Module):
        raise TaskError(f"model(config) returned a {type(model).__name__}; return a torch.nn.Module")
    return model.to(on)


def reported(task: Task, model: nn.Module, examples: Batch, config: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of one batch, as a task reports them (without ``val_``) that has no other examples."""
    means = {name: float(value) for name, value in task.metrics(model, examples, config).items()}
    return dict(task.summary(means, len(examples[-1])))


def scalar(loss: Any) -> Tensor:
    """``loss``, if it is one number. Raises TaskError otherwise."""
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise TaskError(f"loss() returned {what}; return a scalar tensor, e.g. with .mean()")
    return loss


def one_batch(data: Data, on: torch.device) -> Batch:
    """A few training examples, always the same, as a batch."""
    return batch(data.train, chosen(length(data.train), EXAMPLES), on)


def _variance(target: Tensor) -> float | None:
    return float(target.double().var(unbiased=False)) if target.is_floating_point() else None
