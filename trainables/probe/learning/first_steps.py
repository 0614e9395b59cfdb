"""Probe of an untrained model: the loss of one batch, and the metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from trainables.data import Batch, Data, Examples, batches, length
from trainables.datasets.subset import Indices
from trainables.errors import TaskError, place, told
from trainables.loop.seeding import INITIALIZATION, seed_all
from trainables.loop.training import VALIDATION_BATCH
from trainables.probe.evidence import FirstEvidence
from trainables.probe.examples.contents import has_own_loss
from trainables.probe.examples.sample import batch, chosen, classes_of
from trainables.task import Task

EXAMPLES, TRIED = 64, 8
"""Examples of the training batch, and of the validation batch for the metrics' names, as some metrics decode."""
MORE = 32
"""Factor by which more examples are tried if the metrics fail, as few may have no example of something rare."""


def device() -> torch.device:
    """The device on which trials train: the GPU if there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def first(task: Task, data: Data, config: Mapping[str, Any], on: torch.device) -> FirstEvidence:
    """The loss of an untrained model, and the names of its metrics (as they are reported, with ``val_``)."""
    data = data.unpacked()
    labels, own = data.labels, has_own_loss(task)
    classes = None if labels is None else len(classes_of(labels))
    found = FirstEvidence(None, classes, None, own, ())
    try:
        model = fresh(task, config, on)
        examples = one_batch(data, on)
        with torch.no_grad():
            loss = scalar(task.loss(model.train(), examples, config))
            variance = None if classes is not None else _variance(examples[-1])
            found = replace(found, loss=float(loss.detach()), variance=variance)
            untrained, enough = _untrained(task, model.eval(), data, config)
        names = ("train_loss", *untrained)
        return replace(found, reported=names, untrained=untrained, enough=enough)
    except Exception as error:
        return replace(found, error=told(error))


def _untrained(task: Task, model: nn.Module, data: Data, config: Mapping[str, Any]) -> tuple[dict[str, float], int]:
    """The metrics of some validation examples, and how many examples they needed."""
    whole = length(data.validation)
    size = min(TRIED, whole)
    while True:
        try:
            order = chosen(whole, size, data.validation_labels)
            metrics = validated(task, model, data.validation, order, config)
            return {f"val_{name}": value for name, value in metrics.items()}, size
        except TaskError:
            raise
        except Exception:
            if size == whole:
                raise
            size = min(MORE * size, whole)


def fresh(task: Task, config: Mapping[str, Any], on: torch.device) -> nn.Module:
    """A new model with the same initial weights each time.

    Raises:
        TaskError: ``model(config)`` raises, or returns no module.
    """
    seed_all(0, INITIALIZATION)
    try:
        model = task.model(config)
    except SystemExit as error:
        raise TaskError(f"model(config) ends Python{place(error)}", "raise an error that says why instead") from error
    if not isinstance(model, nn.Module):
        raise TaskError(f"model(config) returned a {type(model).__name__}", "return a torch.nn.Module")
    return model.to(on)


def reported(task: Task, model: nn.Module, examples: Batch, config: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of one batch as the whole validation set, without ``val_``."""
    means = {name: float(value) for name, value in task.metrics(model, examples, config).items()}
    return dict(task.summary(means, len(examples[-1])))


def validated(
    task: Task, model: nn.Module, examples: Examples, order: Indices, config: Mapping[str, Any]
) -> dict[str, float]:
    """The validation metrics of the examples of ``order``, in a trial's batches, on the device of ``model``."""
    on = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    totals: dict[str, float] = {}
    for one in batches(examples, order, VALIDATION_BATCH, on):
        for name, value in task.metrics(model, one, config).items():
            totals[name] = totals.get(name, 0.0) + float(value) * len(one[-1])
    return dict(task.summary({name: total / len(order) for name, total in totals.items()}, len(order)))


def scalar(loss: Any) -> Tensor:
    """``loss``, if it is one number. Raises TaskError otherwise."""
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise TaskError(f"loss() returned {what}", "return a scalar tensor, e.g. with .mean()")
    return loss


def one_batch(data: Data, on: torch.device) -> Batch:
    """A batch of a few training examples, always the same."""
    return batch(data.train, chosen(length(data.train), EXAMPLES), on)


def _variance(target: Tensor) -> float | None:
    return float(target.double().var(unbiased=False)) if target.is_floating_point() else None
