"""`Training`: the training loop of a `Task`, an epoch at a time over the stages, resumable after each."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from trainables.data import Data
from trainables.datasets import sampling
from trainables.datasets.subset import Indices
from trainables.errors import Diverged, TaskError
from trainables.exits import caught
from trainables.loader import size_of
from trainables.loop.feed import Feed, loader_of, loader_workers
from trainables.loop.patience import Patience
from trainables.loop.precision import Precision, arithmetic
from trainables.loop.seeding import INITIALIZATION, derive, seed_all
from trainables.loop.update import Update, scales
from trainables.loop.validation import validated
from trainables.recipe import Recipe
from trainables.stages import Plan
from trainables.task import Task
from trainables.transfer import trained

VALIDATION_BATCH = 1024
CHECK_EVERY = 16


class Training:
    """The run of one trial of a task over the stages of a plan.

    Its position is ``done`` epochs of ``stage``. A stage that continues keeps weights, optimizer and schedule; one
    that starts fresh makes all three anew. Where the plan has a ``transfer``, each stage trains with values of its
    own. The schedule is over all steps from one fresh start to the next, whether or not the trial gets that far;
    for skipped stages it is stepped as if they had been trained. The random draws of an epoch (order, dropout)
    depend on the seed and the epoch's number only, which counts skipped stages, too.

    When the recipe's ``patience`` runs out inside a stage, the next `run_epoch` trains nothing: it ends the stage with
    the weights of its best epoch, whose metrics it returns again as those of the stage's last epoch. The stage counts
    in full, and the schedule is stepped to its end. If patience runs out with the stage's last epoch, that epoch
    returns the best one's metrics and weights. A stage in which patience does not run out keeps its last weights.

    Raises:
        TaskError: a mistake in the config, the model or the data.
    """

    def __init__(
        self, task: Task, data: Data, config: Mapping[str, Any], plan: Plan, seed: int, data_seed: int = 0
    ) -> None:
        self.stage = plan.next(-1)
        self.done = 0
        self._task = task
        self._data = data
        self._labels = None if data.labels is None else np.asarray(data.labels)
        self._config = config
        self._plan = plan
        self._seed = seed
        self._data_seed = data_seed
        self._recipe = Recipe.parse(config)
        self._recipes = [Recipe.parse({**config, **trained(plan, stage, config)}) for stage in range(len(plan))]
        sampling.check(self._recipe.sampling, self._labels)
        for climb in plan.climbs:
            # Also of later fresh starts, so that no trial fails when it reaches one.
            self._recipe.check_warmup([plan[number].epochs for number in climb])
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._precision = Precision(self._recipe.precision, self._device)
        loader = loader_of(task, loader_workers(self._device))
        self._feed = Feed(data, self._device, self._recipe.channels_last, loader, self._micro_batches)
        self._patience = Patience(self._recipe.patience)
        self._start()
        self._select()

    def run_epoch(self) -> dict[str, float]:
        """Train for the next epoch, entering the next stage if this one is over, and return its metrics.

        ``train_loss`` is the mean training loss over the epoch; the task's metrics on the validation data are named
        ``val_<name>``. Where a dataset is read, ``loader_wait`` is the time in seconds that the epoch waited for it.

        Raises:
            Diverged: the training loss is NaN or infinite.
            TaskError: the task returns something of a wrong type.
        """
        if self.done == self._plan[self.stage].epochs:
            self._go_on()
        if self._patience.ran_out(self.done):
            return self._end_early()
        with arithmetic(self._recipe.reproducible):
            metrics = self._run_epoch()
        self.done += 1
        self._schedule.end_epoch(metrics.get("val_loss", metrics["train_loss"]))
        self._patience.see(self.done, metrics, self._model)
        over = self.done == self._plan[self.stage].epochs
        return self._patience.restore(self._model) if over and self._patience.ran_out(self.done) else metrics

    def state(self) -> dict[str, Any]:
        """The whole state of the run: a new run of the same arguments that loads it continues bit for bit.

        It needs no states of random generators, which are seeded for each epoch.
        """
        parts = {name: part.state_dict() for name, part in self._parts().items()}
        return {"stage": self.stage, "done": self.done, **parts}

    def load(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``."""
        self._enter(state["stage"])
        self.done = state["done"]
        for name, part in self._parts().items():
            part.load_state_dict(state[name])

    def close(self) -> None:
        """Do nothing: a training runs only while `run_epoch` does."""

    def _parts(self) -> dict[str, Any]:
        return {
            "model": self._model,
            "optimizer": self._optimizer,
            "schedule": self._schedule,
            "precision": self._precision,
            "patience": self._patience,
        }

    def _run_epoch(self) -> dict[str, float]:
        stream = 1 + self._epochs_before()
        rng = seed_all(self._seed, stream)
        order = sampling.epoch_order(self._training, self._labels, self._recipe.sampling, rng)
        self._feed.waited = 0.0
        metrics = {"train_loss": self._train(order, derive(self._seed, stream)), **self._validate()}
        return {**metrics, "loader_wait": self._feed.waited} if self._feed.times else metrics

    def _end_early(self) -> dict[str, float]:
        left = self._plan[self.stage].epochs - self.done
        self._move_on(left * self._recipes[self.stage].steps(len(self._training)))
        self.done += left
        return self._patience.restore(self._model)

    def _go_on(self) -> None:
        before = self.stage
        self._enter(self._plan.next(before))
        if not self._plan.starts_fresh(before, self.stage):
            self._move_on(sum(self._steps(range(before + 1, self.stage))))

    def _move_on(self, steps: int) -> None:
        for _ in range(steps):
            self._schedule.step()

    def _enter(self, stage: int) -> None:
        fresh = self._plan.climb(stage) != self._plan.climb(self.stage)
        self.stage, self.done = stage, 0
        if fresh:
            self._start()
        self._patience.begin_stage()
        self._schedule.begin_stage()
        self._select()

    def _start(self) -> None:
        seed_all(self._seed, INITIALIZATION)
        with caught("model(config)"):
            model = self._task.model(copy.deepcopy(self._config))
        if not isinstance(model, nn.Module):
            raise TaskError(f"model(config) returned a {type(model).__name__}", "return a torch.nn.Module")
        self._model = model.to(self._device)
        if self._recipe.channels_last:
            if any(is_lazy(parameter) for parameter in model.parameters()):
                raise TaskError(
                    "channels_last is true, but the model has lazy layers, whose shape the first batch decides",
                    "give each layer its number of inputs, or leave channels_last out",
                )
            self._model = self._model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._optimizer = self._recipe.build_optimizer(self._model)
        self._schedule = self._recipe.build_schedule(self._optimizer, self._steps(self._plan.climb(self.stage)))

    def _steps(self, stages: Iterable[int]) -> list[int]:
        """Optimizer steps of each epoch of ``stages``."""
        steps: list[int] = []
        for number in stages:
            stage = self._plan[number]
            examples = len(self._data.training_indices(stage, self._data_seed))
            steps += [self._recipes[number].steps(examples)] * stage.epochs
        return steps

    def _select(self) -> None:
        stage = self._plan[self.stage]
        self._training = self._data.training_indices(stage, self._data_seed)
        self._validation = self._data.validation_indices(stage, self._data_seed)
        own = self._recipes[self.stage]
        self._update = Update(self._task, self._config, own, self._precision, scales(own, self._recipe))

    def _micro_batches(self, examples: int) -> int:
        return self._recipes[self.stage].micro_batches(examples)

    def _epochs_before(self) -> int:
        return sum(stage.epochs for stage in self._plan.stages[: self.stage]) + self.done

    def _train(self, order: Indices, seed: int) -> float:
        self._model.train()
        recipe = self._recipes[self.stage]
        steps, size = recipe.steps(len(order)), recipe.batch_size
        total, seen = torch.zeros((), device=self._device), 0
        for number, batch in enumerate(self._feed.training(order[: steps * size], size, seed), 1):
            loss = self._update(self._model, self._optimizer, batch)
            self._schedule.step()
            total, seen = torch.add(total, loss, alpha=size_of(batch)), seen + size_of(batch)
            # A NaN or infinity stays in the sum, so that it is read now and then only: reading waits for the GPU.
            if (number % CHECK_EVERY == 0 or number == steps) and not math.isfinite(float(total)):
                rate = self._optimizer.param_groups[0]["lr"]
                raise Diverged(
                    f"the training loss became {float(loss):g} in epoch {self._epochs_before() + 1} "
                    f"by step {number} of {steps} (lr {rate:.3g})",
                    "lower lr, warm up or set clip_norm",
                )
        return float(total) / seen

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        self._model.eval()
        batches = self._feed.validation(self._validation, VALIDATION_BATCH)
        metrics = validated(self._task, self._model, batches, self._config, self._precision.autocast)
        return {f"val_{name}": value for name, value in metrics.items()}
