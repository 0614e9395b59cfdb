"""The shard of a task that one process trains under torch's ``DistributedDataParallel`` (DDP)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor, distributed, nn

from trainables.data import Data
from trainables.errors import TaskError
from trainables.loop.seeding import derive
from trainables.loop.validation import Weighted, named, numbers
from trainables.task import Metric, Task


class Share(NamedTuple):
    """What the task's ``collate`` made of the items of one process, of a batch of so many ``examples``.

    ``weight`` is that of the process in the mean over them.
    """

    batch: Any
    examples: int
    weight: float


class TaskShard(Task):
    """``task`` with its batches sharded by rows over ``world`` processes, of which this is number ``rank`` (from 0).

    The training loop is that of a single process and is given the whole batch. `loss` is computed on the rows of this
    process, weighted by their number; ``wrap`` puts it into `torch.nn.parallel.DistributedDataParallel`, which averages
    the gradients, so that up to rounding they are those of one process with the whole batch. The values of loss and
    metrics are over all rows and equal in every process, so that all take the same decisions.

    Dropout differs between processes. Batch normalization is over the rows of all processes on GPUs
    (``SyncBatchNorm``) and over this process's rows on the CPU, where the statistics of process 0 validate and are
    saved.
    """

    def __init__(self, task: Task, rank: int, world: int, wrap: Callable[[nn.Module], nn.Module]) -> None:
        self._task = task
        self._rank = rank
        self._world = world
        self._wrap = wrap
        self._parallel: nn.Module | None = None
        self._model: nn.Module | None = None
        self._seed = 0
        self._trained = False
        # All other attributes and methods are the task's own.
        others = {name for name in dir(task) if not name.startswith("_")} - vars(TaskShard).keys()
        vars(self).update({name: getattr(task, name) for name in others})

    def data(self) -> Data:
        return self._task.data()

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        model = self._task.model(config)
        if isinstance(model, nn.Module) and torch.cuda.is_available():
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        return model

    @property
    def stacks(self) -> bool:
        return self._task.stacks

    def collate(self, items: list[Any]) -> Any:
        rows, weight = self._span(len(items))
        return Share(self._task.collate(items[rows]), len(items), weight)

    def loss(self, model: nn.Module, batch: Any, config: Mapping[str, Any]) -> Tensor:
        self._draw_apart()
        self._trained = True
        rows, _, weight = self._rows(batch)
        loss = self._wrapped(model, config)(rows)
        if not isinstance(loss, Tensor):
            return loss
        # DDP averages gradients over the processes: that of the average of these is that of the mean over all rows.
        loss = loss * (weight * self._world)
        mean = loss.detach() / self._world
        distributed.all_reduce(mean)
        return mean + (loss - loss.detach())  # The same number in all processes, so that they decide alike.

    def metrics(self, model: nn.Module, batch: Any, config: Mapping[str, Any]) -> Mapping[str, Weighted]:
        if self._trained:
            for buffer in model.buffers():
                distributed.broadcast(buffer, 0)
            self._trained = False
        rows, size, weight = self._rows(batch)
        found, examples = self._task.metrics(model, rows, config), weight * size
        return self._gathered({name: Weighted(value, examples) for name, value in _means(found).items()})

    def summary(self, means: Mapping[str, float], examples: int) -> Mapping[str, float]:
        return self._task.summary(means, examples)

    def averaged(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The mean of each metric of an epoch over all processes, which must all call this."""
        return self._summed({name: value / self._world for name, value in metrics.items()})

    def _wrapped(self, model: nn.Module, config: Mapping[str, Any]) -> nn.Module:
        if self._parallel is None or self._model is not model:
            self._model = model
            self._parallel = self._wrap(_Loss(self._task, model, config))
        return self._parallel

    def _rows(self, batch: Any) -> Share:
        """The rows of this process: those it has collated, or those of an array's batch."""
        if isinstance(batch, Share):
            return batch
        rows, weight = self._span(len(batch[-1]))
        return Share(tuple(part[rows] for part in batch), len(batch[-1]), weight)

    def _span(self, size: int) -> tuple[slice, float]:
        """The rows of this process of ``size``, and their weight in the mean, in (0, 1].

        A batch of fewer than two rows for each process is not sharded: batch normalization cannot train on one row.
        """
        if size < 2 * self._world:
            return slice(size), 1.0 / self._world
        low, high = size * self._rank // self._world, size * (self._rank + 1) // self._world
        return slice(low, high), (high - low) / size

    def _draw_apart(self) -> None:
        # The loop seeds all processes alike at each epoch, which is right for the order of the data, not for dropout.
        if self._rank and torch.initial_seed() != self._seed:
            self._seed = derive(torch.initial_seed(), self._rank)
            torch.manual_seed(self._seed)

    def _gathered(self, own: Mapping[str, Weighted]) -> dict[str, Weighted]:
        """The mean of each metric over the rows of the processes that have it: some may lack what is rare."""
        shares: list[Mapping[str, Weighted]] = [{} for _ in range(distributed.get_world_size())]
        distributed.all_gather_object(shares, own)
        means = {}
        for name in dict.fromkeys(name for share in shares for name in share):
            parts = [share[name] for share in shares if name in share]
            examples = sum(part.examples for part in parts)
            means[name] = Weighted(sum(part.value * part.examples for part in parts) / examples, examples)
        return means

    def _summed(self, values: Mapping[str, float]) -> dict[str, float]:
        names = sorted(values)
        device = "cuda" if torch.cuda.is_available() else "cpu"
        total = torch.tensor([values[name] for name in names], dtype=torch.float64, device=device)
        distributed.all_reduce(total)
        return dict(zip(names, total.tolist(), strict=True))


def _means(found: Any) -> dict[str, float]:
    objects = [found] if isinstance(found, Metric) else list(named("metrics()", found).values())
    gathers = next((type(value).__name__ for value in objects if isinstance(value, Metric)), None)
    if gathers is not None:
        raise TaskError(
            f"metrics() returns a {gathers}, which gathers over batches, of which each process sees its own rows",
            "return numbers, or write workers: 1",
        )
    return numbers("metrics()", found)


class _Loss(nn.Module):
    """The loss as a module for DDP, so that `Task.loss` may call the model in any way, and any number of times."""

    def __init__(self, task: Task, model: nn.Module, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.model = model
        self._task = task
        self._config = config

    def forward(self, batch: Any) -> Tensor:
        return self._task.loss(self.model, batch, copy.deepcopy(self._config))
