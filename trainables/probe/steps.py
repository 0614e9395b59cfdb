"""An untrained model on one batch: its first loss, its gradients, and whether it can learn that batch by heart."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from trainables.data import Batch, Data, length
from trainables.errors import TaskError
from trainables.probe.clock import Clock
from trainables.probe.contents import has_own_loss
from trainables.probe.evidence import FirstEvidence, LearningEvidence
from trainables.probe.sample import batch, chosen
from trainables.recipe import Recipe
from trainables.seeding import INITIALIZATION, seed_all
from trainables.task import Task

EXAMPLES = 64
STEPS = 80
LEARNT = 0.3
"""A batch counts as learnt once the loss is below this share of its start."""
RATES = (1e-3, 1e-2)
"""Learning rates of the plain Adam that is tried where the config's own optimizer does not learn the batch."""


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
        examples = _one(data, on)
        with torch.no_grad():
            loss = scalar(task.loss(model.train(), examples, config))
            model.eval()
            held_out = batch(data.validation, chosen(length(data.validation), EXAMPLES), on)
            means = {name: float(value) for name, value in task.metrics(model, held_out, config).items()}
            names = tuple(f"val_{name}" for name in task.summary(means, len(held_out[-1])))
        variance = None if classes is not None else _variance(examples[-1])
        return FirstEvidence(float(loss.detach()), classes, variance, own, ("train_loss", *names))
    except Exception as error:
        said = str(error) if isinstance(error, TaskError) else f"{type(error).__name__}: {error}"
        return FirstEvidence(None, classes, None, own, (), said)


def learn(task: Task, data: Data, config: Mapping[str, Any], clock: Clock) -> LearningEvidence:
    """Train on one batch for `STEPS` steps: with the optimizer of ``config``, then, where that fails, with plain Adam.

    Raises:
        TaskError: the config, the model or the loss is at fault.
    """
    on = device()
    recipe = Recipe.parse(config)
    examples = _one(data.unpacked(), on)
    model = fresh(task, config, on)
    found = _train(
        task, model, recipe.build_optimizer(model), examples, config, f"{recipe.optimizer}, lr {recipe.lr:.3g}"
    )
    for rate in RATES:
        learnt = found.after < found.before * LEARNT
        if learnt or not found.connected or clock.over:
            break
        model = fresh(task, config, on)
        adam = Adam([p for p in model.parameters() if p.requires_grad], lr=rate)
        other = _train(task, model, adam, examples, config, f"adam, lr {rate:.3g}")
        if not found.after <= other.after:
            found = other
    return found


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


def scalar(loss: Any) -> Tensor:
    """``loss``, if it is one number. Raises TaskError otherwise."""
    if not isinstance(loss, Tensor) or loss.ndim != 0:
        what = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
        raise TaskError(f"loss() returned {what}; return a scalar tensor, e.g. with .mean()")
    return loss


def _one(data: Data, on: torch.device) -> Batch:
    return batch(data.train, chosen(length(data.train), EXAMPLES), on)


def _train(
    task: Task, model: nn.Module, optimizer: Optimizer, examples: Batch, config: Mapping[str, Any], by: str
) -> LearningEvidence:
    named = dict(model.named_parameters())
    frozen = tuple(name for name, parameter in named.items() if not parameter.requires_grad)
    start = {name: parameter.detach().clone() for name, parameter in named.items() if parameter.requires_grad}
    heard: set[str] = set()
    broken: set[str] = set()
    model.train()
    losses: list[float] = []
    for _ in range(STEPS):
        loss = scalar(task.loss(model, examples, config))
        losses.append(float(loss.detach()))
        if not loss.requires_grad:
            return LearningEvidence(losses[0], losses[0], 0, by, False, frozen)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        heard |= {name for name in start if named[name].grad is not None}
        broken |= {name for name in heard if not bool(torch.isfinite(_gradient(named[name])).all())}
        if broken or not math.isfinite(losses[-1]) or losses[-1] < losses[0] * LEARNT / 2:
            break
        optimizer.step()
    unchanged = [name for name in heard - broken if len(losses) > 1 and torch.equal(named[name].detach(), start[name])]
    return LearningEvidence(
        before=losses[0],
        after=min(losses) if math.isfinite(losses[-1]) else losses[-1],
        steps=len(losses) - 1,
        by=by,
        connected=bool(heard),
        frozen=frozen,
        silent=_in_order(named, start.keys() - heard),
        unchanged=_in_order(named, unchanged),
        broken=_in_order(named, broken),
    )


def _gradient(parameter: nn.Parameter) -> Tensor:
    gradient = parameter.grad
    if gradient is None:
        return torch.zeros(())
    return gradient.coalesce().values() if gradient.is_sparse else gradient


def _in_order(named: Mapping[str, Any], names: Any) -> tuple[str, ...]:
    return tuple(name for name in named if name in names)


def _variance(target: Tensor) -> float | None:
    return float(target.double().var(unbiased=False)) if target.is_floating_point() else None
