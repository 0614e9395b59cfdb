"""Distributed trials: data-parallel training (DDP) by Ray Train's ``TorchTrainer``, run by the trial's actor.

Ray's documented pattern for Train inside Tune: the Tune trial is a driver that reserves no CPU or GPU, and TorchTrainer
reserves all its processes as one placement group, which starts whole or waits. Ray Train would train on after a report,
while a verdict may pause or stop the trial: so the processes wait for an order before each epoch.
"""

from __future__ import annotations

import asyncio
import io
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.util import remove_placement_group

from cluster.ray_internals.placement_groups import abandoned
from trainables.errors import RankFailed, TaskError, one_line, worded
from trainables.loop import gpu_memory
from trainables.loop.assignment import Assignment
from trainables.worker import outcome

FREE_EVERY = 2.0
"""Seconds between two calls of `free`, while processes wait to start."""

END_TIMEOUT = 60.0
"""Seconds to wait for the processes of an ended trial."""


@dataclass(frozen=True)
class Crew:
    """``workers`` processes that train as one, each with ``cpu`` cores, ``gpu`` GPUs (0 or 1) and ``memory`` bytes."""

    workers: int
    cpu: float
    gpu: float
    memory: int = 0

    @property
    def each(self) -> dict[str, float]:
        """The resources that Ray reserves for each process."""
        return {"CPU": self.cpu, "GPU": self.gpu} | ({"memory": float(self.memory)} if self.memory else {})


class Exchange:
    """Actor with the queues between a trial and its processes: orders for each of ``workers``, answers of all."""

    def __init__(self, workers: int) -> None:
        self._orders: list[asyncio.Queue[bool]] = [asyncio.Queue() for _ in range(workers)]
        self._answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def order(self, go_on: bool) -> None:
        """Order every process to train for an epoch, or to end."""
        for orders in self._orders:
            orders.put_nowait(go_on)

    async def next_order(self, rank: int) -> bool:
        """Wait for the next order to a process."""
        return await self._orders[rank].get()

    async def answer(self, answer: dict[str, Any]) -> None:
        """Put the answer to an order."""
        self._answers.put_nowait(answer)

    async def next_answer(self) -> dict[str, Any]:
        """Wait for the next answer."""
        return await self._answers.get()


class DistributedTraining:
    """The run of one trial of a task in several processes, with the interface of `trainables.loop.training.Training`.

    A state is that of a single process, so that a trial may be resumed with another number of processes. They start
    with the first epoch.
    """

    def __init__(self, given: Assignment, shared: Sequence[Any], crew: Crew) -> None:
        self.stage = given.climb.next(-1)
        self.done = 0
        self._given = given
        self._shared = shared
        self._crew = crew
        self._state: dict[str, Any] | None = None
        self._exchange: ActorHandle | None = None
        self._thread: threading.Thread | None = None

    def run_epoch(self) -> dict[str, float]:
        """Train for the next epoch and return its metrics.

        Raises:
            RankFailed: a process failed; with the failure of the first that did.
            RuntimeError: a process died, or Ray Train could not start them, or not free what killed ones hold.
        """
        starts = self._exchange is None
        exchange = self._exchange or self._start()
        exchange.order.remote(True)
        coming = exchange.next_answer.remote()
        while starts and not ray.wait([coming], timeout=FREE_EVERY)[0]:
            free()
        answer = ray.get(coming)
        if "state" not in answer:
            raise self._cause(exchange, answer)
        self._state = _unpack(answer["state"])
        self.stage, self.done = self._state["stage"], self._state["done"]
        return dict(answer["metrics"])

    def state(self) -> dict[str, Any]:
        """The whole state of the run: that of process 0, on the CPU.

        Raises:
            RuntimeError: nothing was trained or loaded yet.
        """
        if self._state is None:
            raise RuntimeError("there is no state before the first epoch; call run_epoch first")
        return self._state

    def load(self, state: Mapping[str, Any]) -> None:
        """Continue from ``state``; only before the first epoch."""
        self._state = dict(state)
        self.stage, self.done = state["stage"], state["done"]

    def close(self) -> None:
        """End the processes; returns when their resources are free."""
        if self._exchange is None or self._thread is None:
            return
        self._exchange.order.remote(False)
        self._thread.join(END_TIMEOUT)
        ray.kill(self._exchange)
        self._exchange = self._thread = None
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _folder(self) -> str:
        return str(self._given.folder / "train")

    def _start(self) -> ActorHandle:
        free()
        exchange = ray.remote(num_cpus=0)(Exchange).remote(self._crew.workers)
        state = None if self._state is None else ray.put(_pack(self._state))
        orders = {
            "given": self._given.to_dict(),
            "shared": list(self._shared),
            "state": [] if state is None else [state],
            "exchange": exchange,
            "threads": max(1, int(self._crew.cpu)),
        }
        self._thread = threading.Thread(target=self._fit, args=(exchange, orders), daemon=True, name="sieve-crew")
        self._thread.start()
        self._exchange = exchange
        return exchange

    def _cause(self, exchange: ActorHandle, answer: dict[str, Any]) -> Exception:
        """The error behind an ``answer``: where one process died, the others only report a lost connection."""
        told: dict[int, dict[str, Any]] = {}
        while "failure" in answer:
            told[answer["rank"]] = answer["failure"]
            if answer["failure"]["kind"] != "error":
                return RankFailed(answer["failure"])
            answer = ray.get(exchange.next_answer.remote())
        died = [rank for rank in sorted(answer["failures"]) if rank not in told]
        if told and not died:
            return RankFailed(next(iter(told.values())))
        if died:
            why = f"the process of rank {died[0]} died, killed (perhaps for memory) or crashed in native code"
            return RuntimeError(f"{why}: {answer['failures'][died[0]]}")
        return RuntimeError(f"Ray Train ended the processes of the trial: {answer['ended']}")

    def _fit(self, exchange: ActorHandle, orders: dict[str, Any]) -> None:
        from ray.train import RunConfig, ScalingConfig, WorkerGroupError
        from ray.train.torch import TorchTrainer

        failures, why = {}, "nothing said why"
        try:
            TorchTrainer(
                train_as_one,
                train_loop_config=orders,
                scaling_config=ScalingConfig(
                    num_workers=self._crew.workers,
                    use_gpu=self._crew.gpu > 0,
                    resources_per_worker=self._crew.each,
                ),
                run_config=RunConfig(name="crew", storage_path=self._folder),
            ).fit()
        except WorkerGroupError as error:
            failures = {rank: _in_words(failure) for rank, failure in error.worker_failures.items()}
        except Exception as error:
            why = _in_words(error)
        exchange.answer.remote({"ended": why, "failures": failures})


def free() -> None:
    """Remove the placement groups of killed trials of this Ray job (a head and its trials).

    They die with their trial, but Ray keeps a placement group until both the actor that made it and its job are over.
    That of a trial is made by Ray Train's controller, an actor that dies with the trial's own, if a moment later.

    Raises:
        RayChanged: this Ray does not tell whose they are.
    """
    for group in abandoned():
        remove_placement_group(group)


def train_as_one(orders: Mapping[str, Any]) -> None:
    """``train_loop_per_worker`` of TorchTrainer: an epoch at each order, until the order to end."""
    rank, exchange = ray.train.get_context().get_world_rank(), orders["exchange"]
    try:
        shard, training = _training(orders)
        while ray.get(exchange.next_order.remote(rank)):
            metrics = shard.averaged(training.run_epoch())
            if rank == 0:
                answer = {"metrics": metrics, "state": _pack(training.state())}
                ray.get(exchange.answer.remote(answer))
    except Exception as error:
        ray.get(exchange.answer.remote({"rank": rank, "failure": outcome.failure(error)["sieve"]["failure"]}))
        raise


def _training(orders: Mapping[str, Any]) -> Any:
    import torch
    from ray.train.torch import get_device, prepare_model
    from torch import nn

    from trainables.loop.training import Training
    from trainables.task import Task
    from trainables.worker.loading import load, load_data
    from trainables.worker.task_shard import TaskShard

    def wrap(module: nn.Module) -> nn.Module:
        # Without it DDP fails for tasks that use a part of the model in some steps only, or never.
        options = {"find_unused_parameters": True}
        return prepare_model(module, move_to_device=False, parallel_strategy_kwargs=options)

    if not ray.get_gpu_ids():
        gpu_memory.hide()
    torch.set_num_threads(orders["threads"])
    if torch.cuda.is_available():
        torch.cuda.set_device(get_device())
    given, context = Assignment.from_dict(orders["given"]), ray.train.get_context()
    task, data = load(given, orders["shared"])
    if not isinstance(task, Task):
        raise TaskError(f"{given.task} is no task class, so it trains in one process", "write workers: 1")
    shard = TaskShard(task, context.get_world_rank(), context.get_world_size(), wrap)
    arguments = (dict(given.config), given.climb, given.seed, given.data_seed)
    training = Training(shard, data or load_data(task, given.task), *arguments)
    for state in orders["state"]:
        training.load(_unpack(ray.get(state)))
    return shard, training


def _in_words(error: Exception) -> str:
    return one_line(worded(error))


def _pack(state: Mapping[str, Any]) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    return buffer.getvalue()


def _unpack(content: bytes) -> dict[str, Any]:
    import torch

    return dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=False))
