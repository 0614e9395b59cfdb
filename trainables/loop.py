"""The training loop of a task: one epoch at a time up the stages, resumable between any two of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from trainables.data import Batch, Data, batches
from trainables.errors import Diverged, TaskError
from trainables.recipe import Recipe
from trainables.seeding import INITIALIZATION, seed_all
from trainables.stages import Plan
from trainables.task import Task

VALIDATION_BATCH = 1024
CHECK_EVERY = 16


class Training:
    """Trains one config of a task up the stages of a plan.

    ``stage`` and ``done`` say where it is: ``done`` epochs of ``stage`` are over. A stage that continues keeps weights,
    optimizer and schedule; one that starts fresh makes all three anew. The schedule runs over all the steps from one
    fresh start to the next, whether or not the trial will get to climb that far; where the plan skips a stage on the
    way, the schedule moves on as if it had been trained. The random draws of an epoch (order, dropout) depend on the
    seed and the epoch's number only, as counted without skipping.

    Raises:
        TaskError: the config, the model or the data is at fault.
    """

    def __init__(
        self, task: Task, data: Data, config: Mapping[str, Any], plan: Plan, seed: int, data_seed: int = 0
    ) -> None:
        self.stage = plan.next(-1)
        self.done = 0
        self._task = task
        self._data = data.unpacked()
        self._config = config
        self._plan = plan
        self._seed = seed
        self._data_seed = data_seed
        self._recipe = Recipe.parse(config)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._start()
        self._select()

    def run_epoch(self) -> dict[str, float]:
        """Train for the next epoch, entering the next stage if this one is over, and return its metrics.

        ``train_loss`` is the mean training loss over the epoch; the task's metrics on the validation data are named
        ``val_<name>``.

        Raises:
            Diverged: the training loss is NaN or infinite.
            TaskError: the task returns what it should not.
        """
        if self.done == self._plan[self.stage].epochs:
            self._go_on()
        rng = seed_all(self._seed, 1 + self._epochs_before())
        train_loss = self._train(rng.permutation(self._training))
        self.done += 1
        return {"train_loss": train_loss, **self._validate()}

    def state(self) -> dict[str, Any]:
        """Everything a new object of the same arguments needs to go on bit for bit; needs no generator states."""
        return {
            "stage": self.stage,
            "done": self.done,
            "model": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on where ``state`` was taken."""
        self._enter(state["stage"])
        self.done = state["done"]
        self._model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])

    def close(self) -> None:
        """Nothing to end; a training runs only while ``run_epoch`` does."""

    def _go_on(self) -> None:
        before = self.stage
        self._enter(self._plan.next(before))
        if not self._plan.starts_fresh(before, self.stage):
            for steps in self._steps(range(before + 1, self.stage)):
                for _ in range(steps):
                    self._schedule.step()

    def _enter(self, stage: int) -> None:
        fresh = stage != self.stage and self._climb(stage) != self._climb(self.stage)
        self.stage, self.done = stage, 0
        if fresh:
            self._start()
        self._select()

    def _start(self) -> None:
        seed_all(self._seed, INITIALIZATION)
        model = self._task.model(self._config)
        if not isinstance(model, nn.Module):
            raise TaskError(f"model(config) returned a {type(model).__name__}; return a torch.nn.Module")
        self._model = model.to(self._device)
        self._optimizer = self._recipe.build_optimizer(self._model)
        low, high = self._climb(self.stage)
        epochs = self._steps(range(self._plan.next(low - 1), high))
        self._schedule = self._recipe.build_schedule(self._optimizer, epochs)

    def _steps(self, stages: Iterable[int]) -> list[int]:
        """Optimizer steps of each epoch of ``stages``."""
        return [
            self._recipe.steps(len(self._data.training_indices(self._plan[stage], self._data_seed)))
            for stage in stages
            for _ in range(self._plan[stage].epochs)
        ]

    def _select(self) -> None:
        stage = self._plan[self.stage]
        self._training = self._data.training_indices(stage, self._data_seed)
        self._validation = self._data.validation_indices(stage, self._data_seed)

    def _climb(self, stage: int) -> tuple[int, int]:
        starts = [0, *(k for k in range(1, len(self._plan)) if self._plan[k].start == "fresh"), len(self._plan)]
        return next((low, high) for low, high in pairwise(starts) if low <= stage < high)

    def _epochs_before(self) -> int:
        return sum(stage.epochs for stage in self._plan.stages[: self.stage]) + self.done

    def _train(self, order: Any) -> float:
        self._model.train()
        steps, size = self._recipe.steps(len(order)), self._recipe.batch_size
        total, seen = torch.zeros((), device=self._device), 0
        for number, batch in enumerate(batches(self._data.train, order[: steps * size], size, self._device), 1):
            loss = self._step(batch)
            total, seen = total + loss * len(batch[-1]), seen + len(batch[-1])
            # A NaN or infinity stays in the sum; asking for it at every step would stall a GPU.
            if (number % CHECK_EVERY == 0 or number == steps) and not math.isfinite(float(total)):
                rate = self._optimizer.param_groups[0]["lr"]
                raise Diverged(
                    f"the training loss became {float(loss):g} in epoch {self._epochs_before() + 1} "
                    f"by step {number} of {steps} (lr {rate:.3g}); lower lr, warm up or set clip_norm"
                )
        return float(total) / seen

    def _step(self, batch: Batch) -> Tensor:
        loss = self._task.loss(self._model, batch, self._config)
        if not isinstance(loss, Tensor) or loss.ndim != 0:
            raise TaskError(f"loss() returned {_describe(loss)}; return a scalar tensor, e.g. with .mean()")
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if self._recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.clip_norm)
        self._optimizer.step()
        self._schedule.step()
        return loss.detach()

    @torch.no_grad()
    def _validate(self) -> dict[str, float]:
        self._model.eval()
        totals: dict[str, float] = {}
        for batch in batches(self._data.validation, self._validation, VALIDATION_BATCH, self._device):
            for name, value in self._task.metrics(self._model, batch, self._config).items():
                totals[f"val_{name}"] = totals.get(f"val_{name}", 0.0) + float(value) * len(batch[-1])
        return {name: total / len(self._validation) for name, total in totals.items()}


def _describe(value: object) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
