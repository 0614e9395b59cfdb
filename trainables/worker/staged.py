"""`StagedTrainable`: the ``tune.Trainable`` of all trials, with one epoch and one report per ``step``."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import ray
from ray import tune

from trainables.datasets.downloads import data_folder
from trainables.errors import TaskError
from trainables.exits import caught
from trainables.loop import gpu_memory
from trainables.loop.assignment import Assignment, Position, position_of
from trainables.worker import outcome
from trainables.worker.distributed import Crew, DistributedTraining
from trainables.worker.loading import describe_task, load, load_data

__all__ = ["EpochRunner", "StagedTrainable", "describe_task"]

START: Position = (0, 0)


class EpochRunner(Protocol):
    """The run of one trial: a `Training`, a `FunctionRun`, a `LibraryRun` or a `DistributedTraining`."""

    stage: int
    done: int

    def run_epoch(self) -> dict[str, float]: ...
    def state(self) -> dict[str, Any]: ...
    def load(self, state: Mapping[str, Any]) -> None: ...
    def close(self) -> None: ...


class StagedTrainable(tune.Trainable):
    """The class trainable of all trials; one actor runs many, one after another (Tune: ``reuse_actors``).

    The config is `Assignment.to_dict`, with the fields of a `Crew` under ``crew`` where several processes train the
    trial and this one only leads them. Each `step` returns one report: the metrics, ``stage``, ``epoch`` (epochs that
    the weights were trained for), ``budget`` (full-data epoch equivalents), ``data``, ``done``, and under ``sieve`` the
    head's record. A step never raises, as Tune would end the actor: a failure is a last result with
    ``sieve["failure"] = {kind, message, traceback}``, kind being diverged, metric, task, disk, memory or error.

    The trial's own checkpoint is written before each report is returned and has all reports so far. Reports that the
    ledger lacks (newer than ``reported``) are returned again, in order, before training goes on, so that none is lost
    with a killed head. A trial that had finished returns its last report again.
    """

    _given: Assignment
    _runner: EpochRunner | None
    _failure: Exception | None
    _results: list[dict[str, Any]]
    _missing: deque[dict[str, Any]]
    _newest: Position
    _untouched: dict[str, Any] | None

    def setup(self, config: dict[str, Any], shared: Sequence[Any] = ()) -> None:
        """Begin the trial in ``config``; ``shared`` has one object reference to packed `Data`, or none."""
        self._shared = shared
        self._untouched = None
        self._begin(config)

    def reset(self, *arguments: Any, **named: Any) -> Any:
        """Ray's own part of another trial, which asks for the working directory."""
        from trainables.worker import process_state

        process_state.stand_somewhere()
        return super().reset(*arguments, **named)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial in this actor, which keeps the task and its data loaded, and nothing of the trial before.

        Raises:
            Unrestorable: that trial changed the process for good. Tune then ends the worker, and the head tries the
                new trial again elsewhere; were False returned, Tune would fail that trial without a word to the head.
        """
        from trainables.worker import process_state

        self.cleanup()
        if self._untouched is not None:
            process_state.restore(self._untouched)
        self._begin(new_config)
        return True

    def step(self) -> dict[str, Any]:
        """The next report, or the failure that ends the trial."""
        result = self._step()
        return {**result, "sieve": {**result["sieve"], "node": _node()}}

    def _step(self) -> dict[str, Any]:
        try:
            if self._failure is not None:
                raise self._failure
            result = self._missing.popleft() if self._missing else self._train()
            self._newest = outcome.position(result)
            return result
        except Exception as error:
            self.cleanup()
            failed = outcome.failure(error)
        gpu_memory.release()  # Only now, as the error's traceback had references to tensors on the device.
        return failed

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        """The position of the newest report as Tune's checkpoint; the state is in the trial's own checkpoint file."""
        return {"reported": self._newest}

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """Skip reports that were returned before Tune's checkpoint, though after the head had read the ledger."""
        handed_in = position_of((checkpoint or {}).get("reported")) or START
        self._newest = max(self._newest, handed_in)
        self._missing = deque(result for result in self._missing if self._is_due(result))

    def cleanup(self) -> None:
        """End what still runs of the trial, such as the thread of a training function."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    def _begin(self, config: dict[str, Any]) -> None:
        self._runner, self._failure = None, None
        self._results, self._missing, self._newest = [], deque(), START
        try:
            self._limit()
            self._given = Assignment.from_dict(config)
            self._newest = self._given.reported or START
            crew = Crew(**config["crew"]) if config.get("crew") else None
            if crew is None:
                self._remember()
            with caught("the task"):
                self._runner = runner_of(self._given, self._shared, crew)
            self._resume(self._runner)
        except Exception as error:
            # Returned by the first step, as Tune ends an actor whose setup fails.
            self._failure = error

    def _remember(self) -> None:
        """Note how the process is before its first trial, but after the task's module was imported, once."""
        from trainables.worker import process_state

        if self._untouched is None:
            load(self._given, self._shared)
            self._untouched = process_state.read()

    def _limit(self) -> None:
        resources = self.trial_resources
        asked = resources.required_resources if resources else {}
        if resources and not asked.get("GPU"):
            gpu_memory.hide()
        import torch

        torch.set_num_threads(max(1, int(asked.get("CPU", 1))))
        gpu_memory.begin(asked.get("GPU", 0.0))

    def _resume(self, runner: EpochRunner) -> None:
        from trainables.worker import checkpoint

        given = self._given
        state = checkpoint.read(given.folder)
        # With no report in the ledger, the checkpoint of another config is an old one, to be overwritten.
        if state is not None and state["identity"] == given.identity:
            self._results = state["results"]
            runner.load(state["runner"])
        newest = outcome.position(self._results[-1]) if self._results else START
        if self._newest > newest:
            raise TaskError(
                f"trial {given.trial} was reported up to stage {self._newest[0]}, epoch {self._newest[1]}, but its "
                f"checkpoint in {given.folder} goes to stage {newest[0]}, epoch {newest[1]}",
                "restore the folder, or remove the sweep and run it again",
            )
        self._missing = deque(result for result in self._results if self._is_due(result))

    def _is_due(self, result: Mapping[str, Any]) -> bool:
        return result["done"] or outcome.position(result) > self._newest

    def _train(self) -> dict[str, Any]:
        from trainables.worker import checkpoint

        runner, given = self._runner, self._given
        if runner is None:
            raise RuntimeError(f"trial {given.trial} has ended; begin one with reset_config first")
        began = time.monotonic()
        with caught("the task"):
            metrics = runner.run_epoch()
        outcome.check(metrics, given.metric, runner.stage, runner.done == given.plan[runner.stage].epochs)
        result = outcome.report(given, (runner.stage, runner.done), metrics, time.monotonic() - began)
        results = [*self._results, result]
        checkpoint.write(given.folder, {"identity": given.identity, "results": results, "runner": runner.state()})
        self._results = results
        return result


def _node() -> str | None:
    return str(ray.get_runtime_context().get_node_id()) if ray.is_initialized() else None


def runner_of(given: Assignment, shared: Sequence[Any], crew: Crew | None = None) -> EpochRunner:
    """The run of the trial ``given``, by the kind of its task; ``shared`` has its data, as for `StagedTrainable`."""
    if crew is not None:
        return DistributedTraining(given, shared, crew)
    from trainables.adapters.function import FunctionRun
    from trainables.adapters.library import LibraryTask
    from trainables.loop.training import Training
    from trainables.task import Task

    task, data = load(given, shared)
    arguments = (dict(given.config), given.climb, given.seed, given.data_seed)
    if isinstance(task, Task):
        return Training(task, data or load_data(task, given.task), *arguments)
    if given.plan.transfer:
        raise TaskError("transfer changes what Sieve's own loop trains with, and the task has another", "leave it out")
    if isinstance(task, LibraryTask):
        return task.run(data or load_data(task, given.task), *arguments)
    return FunctionRun(task, *arguments, data_folder(given.data_dir, given.project))
