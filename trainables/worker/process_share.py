"""One process's share of a task that several processes train as one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, distributed, nn

from trainables.data import Batch, Data
from trainables.errors import TaskError
from trainables.loop.seeding import derive
from trainables.loop.validation import Weighted, named, numbers
from trainables.task import Metric, Task


class ShareOfTask(Task):
    """``task`` as process ``rank`` of ``world`` sees it: the loop around it is the one of a single process.

    ``wrap`` makes a module one that averages its gradients over the processes.

    The loop hands every process the whole batch. Each takes the loss of its own rows, weighted by how many they are, in
    `torch.nn.parallel.DistributedDataParallel`, which averages the gradients: up to rounding they are those of one
    process with that batch. The values of loss and metrics are those of all rows, the same in every process, so that
    each takes the same decisions. Dropout differs between
    processes. Batch normalization is over the rows of all processes on GPUs, over the process's own on the CPU, where
    those that validate and are saved are of process 0.
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
        # Whatever else a task has or redefines is as it is there.
        others = {name for name in dir(task) if not name.startswith("_")} - vars(ShareOfTask).keys()
        vars(self).update({name: getattr(task, name) for name in others})

    def data(self) -> Data:
        return self._task.data()

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        model = self._task.model(config)
        if isinstance(model, nn.Module) and torch.cuda.is_available():
            model = nn.SyncBatchNorm.convert_sync_batchnorm(model)  # type: ignore[no-untyped-call]
        return model

    def loss(self, model: nn.Module, batch: Batch, config: Mapping[str, Any]) -> Tensor:
        self._draw_apart()
        self._trained = True
        rows, weight = self._rows(batch)
        loss = self._wrapped(model, config)(rows)
        if not isinstance(loss, Tensor):
            return loss
        # DDP averages gradients over the processes: that of the average of these is that of the mean over all rows.
        loss = loss * (weight * self._world)
        mean = loss.detach() / self._world
        distributed.all_reduce(mean)
        return mean + (loss - loss.detach())  # Exactly the mean, so that no process takes another turn than the others.

    def metrics(self, model: nn.Module, batch: Batch, config: Mapping[str, Any]) -> Mapping[str, Weighted]:
        if self._trained:
            for buffer in model.buffers():
                distributed.broadcast(buffer, 0)
            self._trained = False
        rows, weight = self._rows(batch)
        found, examples = self._task.metrics(model, rows, config), weight * len(batch[-1])
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

    def _rows(self, batch: Batch) -> tuple[Batch, float]:
        """This process's rows, and how much they weigh; each takes all rows where one alone might be left for some.

        Batch normalization cannot train on one row.
        """
        size = len(batch[-1])
        if size < 2 * self._world:
            return batch, 1.0 / self._world
        low, high = size * self._rank // self._world, size * (self._rank + 1) // self._world
        return tuple(part[low:high] for part in batch), (high - low) / size

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
            f"metrics() returns a {gathers}, which gathers over batches, of which each process sees its own rows; "
            "return numbers, or write workers: 1"
        )
    return numbers("metrics()", found)


class _Loss(nn.Module):
    """The loss as a module, so that a task may use its model as it likes: DDP wraps what is called, not the model."""

    def __init__(self, task: Task, model: nn.Module, config: Mapping[str, Any]) -> None:
        super().__init__()
        self.model = model
        self._task = task
        self._config = config

    def forward(self, batch: Batch) -> Tensor:
        return self._task.loss(self.model, batch, copy.deepcopy(self._config))
