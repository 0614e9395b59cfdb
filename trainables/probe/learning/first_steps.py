"""Probe of an untrained model: the loss of one batch, and the metrics."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from trainables.data import Data, Examples, length
from trainables.datasets.nested import parted
from trainables.datasets.subset import Indices
from trainables.errors import TaskError, told
from trainables.exits import caught
from trainables.loader import AnyBatch, whole
from trainables.loop import validation
from trainables.loop.feed import loader_of
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
        examples = one_batch(task, data, on)
        with torch.no_grad():
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                loss = loss_of(task, model.train(), examples, config)
            found = replace(found, spread=_spread(warned))
            target = None if classes is not None else parted(whole(examples))[1]
            variance = _variance(target, said=isinstance(data.train, tuple))
            found = replace(found, loss=float(loss.detach()), variance=variance)
            untrained, enough = _untrained(task, model.eval(), data, config)
        names = ("train_loss", *untrained)
        return replace(found, reported=names, untrained=untrained, enough=enough)
    except Exception as error:
        return replace(found, error=told(error))


def _untrained(task: Task, model: nn.Module, data: Data, config: Mapping[str, Any]) -> tuple[dict[str, float], int]:
    """The metrics of some validation examples, and how many examples they needed."""
    most = length(data.validation)
    size = min(TRIED, most)
    while True:
        try:
            order = chosen(most, size, data.validation_labels)
            metrics = validated(task, model, data.validation, order, config)
            return {f"val_{name}": value for name, value in metrics.items()}, size
        except TaskError:
            raise
        except Exception:
            if size == most:
                raise
            size = min(MORE * size, most)


def fresh(task: Task, config: Mapping[str, Any], on: torch.device) -> nn.Module:
    """A new model with the same initial weights each time.

    Raises:
        TaskError: ``model(config)`` raises, or returns no module.
    """
    seed_all(0, INITIALIZATION)
    with caught("model(config)"):
        model = task.model(copy.deepcopy(config))
    if not isinstance(model, nn.Module):
        raise TaskError(f"model(config) returned a {type(model).__name__}", "return a torch.nn.Module")
    return model.to(on)


def reported(task: Task, model: nn.Module, examples: AnyBatch, config: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of one batch as the whole validation set, without ``val_``."""
    return validation.validated(task, model, [examples], config)


def validated(
    task: Task, model: nn.Module, examples: Examples, order: Indices, config: Mapping[str, Any]
) -> dict[str, float]:
    """The validation metrics of the examples of ``order``, in a trial's batches, on the device of ``model``."""
    on = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    stream = loader_of(task).batches(examples, order, VALIDATION_BATCH, on)
    return validation.validated(task, model, stream, config)


def loss_of(task: Task, model: nn.Module, examples: AnyBatch, config: Mapping[str, Any]) -> Tensor:
    """The loss of ``examples``.

    Raises:
        TaskError: it is not one number, or the task ends Python.
    """
    with caught("loss()"):
        loss = task.loss(model, whole(examples), copy.deepcopy(config))
    return scalar(loss)


def scalar(loss: Any) -> Tensor:
    """``loss``, if it is one number. Raises TaskError otherwise."""
    if not isinstance(loss, Tensor) or loss.ndim != 0 or loss.is_complex():
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise TaskError(f"loss() returned {what}", "return a scalar tensor, e.g. with .mean()")
    return loss


def one_batch(task: Task, data: Data, on: torch.device) -> AnyBatch:
    """A batch of a few training examples, always the same."""
    return batch(task, data.train, chosen(length(data.train), EXAMPLES), on)


def _variance(target: Any, said: bool) -> float | None:
    """That of a target of numbers; integers are numbers, and no classes, where the data have ``said`` so."""
    if not isinstance(target, Tensor) or not (target.is_floating_point() or said) or target.is_complex():
        return None
    return float(target.double().var(unbiased=False))


def _spread(warned: Sequence[warnings.WarningMessage]) -> str | None:
    """Torch's warning of a loss that compares each prediction with all targets, as their shapes differ."""
    told = [str(one.message) for one in warned]
    return next((" ".join(words.split()).partition(". ")[0] for words in told if "Using a target size" in words), None)
