"""Metrics of the whole validation set, from those of its batches."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from trainables.errors import TaskError
from trainables.exits import caught
from trainables.loader import AnyBatch, size_of, whole
from trainables.task import Metric, Task

CURE = "return one number, e.g. with .mean()"
NAMED = "a mapping of names to numbers, e.g. {'accuracy': hits.mean()}"


@dataclass(frozen=True)
class Weighted:
    """A mean over so many ``examples`` of a batch, where those are not all."""

    value: float
    examples: float


def validated(
    task: Task,
    model: nn.Module,
    batches: Iterable[AnyBatch],
    config: Mapping[str, Any],
    context: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> dict[str, float]:
    """What ``task`` reports of all the ``batches``; each one's metrics are computed in a ``context``.

    Raises:
        TaskError: the task returns what it should not.
    """
    totals, examples = _Totals(), 0
    try:
        for batch in batches:
            with caught("metrics()"), context():
                found = task.metrics(model, whole(batch), copy.deepcopy(config))
            totals.add(found, size_of(batch))
            examples += size_of(batch)
        means = totals.means()
        with caught("summary()"):
            summary = task.summary(means, examples)
        return numbers("summary()", summary)
    finally:
        totals.reset()


def numbers(source: str, metrics: Any) -> dict[str, float]:
    """The ``metrics`` that ``source`` gave, as floats.

    Raises:
        TaskError: they are no mapping of text to numbers; the message names the culprit.
    """
    return {name: number(name, value) for name, value in named(source, metrics).items()}


def named(source: str, metrics: Any) -> Mapping[str, Any]:
    """``metrics`` itself, if it is a mapping whose keys are text.

    Raises:
        TaskError: it is not.
    """
    if not isinstance(metrics, Mapping):
        what = "None" if metrics is None else f"a {type(metrics).__name__}"
        got, give = ("got", "give") if source == "report()" else ("returned", "return")
        raise TaskError(f"{source} {got} {what}", f"{give} {NAMED}")
    for name in metrics:
        if not isinstance(name, str):
            raise TaskError(f"{source} names a metric {name!r}, which is no text", f"write {str(name)!r}")
    return metrics


def number(name: str, value: Any, cure: str = CURE) -> float:
    """``value``, a number or a tensor or array of one, as a float.

    Raises:
        TaskError: it is something else; the message names the metric.
    """
    if isinstance(value, (Tensor, np.ndarray)) and value.shape != ():
        what = "a tensor" if isinstance(value, Tensor) else "an array"
        if value.shape != (1,):
            raise TaskError(f"the metric {name} is {what} of shape {tuple(value.shape)}", cure)
        value = value[0]
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except OverflowError:
        raise TaskError(f"the metric {name} is an integer too large for a float", "report its logarithm") from None
    except (TypeError, ValueError, RuntimeError):
        raise TaskError(f"the metric {name} is {value!r}", cure) from None


class _Totals:
    """Sums over batches, by the name of the metric, and the objects that sum up themselves."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._examples: dict[str, float] = {}
        self._objects: dict[str, Metric] = {}

    def add(self, found: Any, examples: int) -> None:
        """Add what ``metrics`` returned of a batch of so many ``examples``."""
        if isinstance(found, Metric):
            self._keep("", found)
            return
        for name, value in named("metrics()", found).items():
            if isinstance(value, Metric):
                self._keep(name, value)
            else:
                self._sum(name, value, examples)

    def means(self) -> dict[str, float]:
        """The mean of each metric over the examples of the batches that had it, and what the objects come to."""
        means = {name: total / self._examples[name] for name, total in self._sums.items()}
        for name, metric in self._objects.items():
            computed = metric.compute()
            if not name and not isinstance(computed, Mapping):
                raise TaskError(f"metrics() returned a {type(metric).__name__}", f"return {NAMED}")
            means |= {name: number(name, computed)} if name else numbers(f"{type(metric).__name__}.compute()", computed)
        return means

    def reset(self) -> None:
        """Have the objects begin anew: they outlive the validation."""
        for metric in self._objects.values():
            metric.reset()

    def _sum(self, name: str, value: Any, examples: int) -> None:
        if not isinstance(value, Weighted):
            value = Weighted(number(name, value, f"{CURE}, or leave it out of this batch"), examples)
        self._sums[name] = self._sums.get(name, 0.0) + value.value * value.examples
        self._examples[name] = self._examples.get(name, 0.0) + value.examples

    def _keep(self, name: str, metric: Metric) -> None:
        kind = type(metric).__name__
        if self._objects.setdefault(name, metric) is not metric:
            raise TaskError(
                f"metrics() returns another {kind}{f' as {name}' if name else ''} for each batch",
                "make it once, in __init__, update it with each batch and return it",
            )
        if getattr(metric, "update_called", True) is False:
            raise TaskError(f"{name or 'the metric'} is a {kind} that saw no example", "update it with each batch")
