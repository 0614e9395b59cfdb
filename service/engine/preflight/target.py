"""The target: a worker with the resources of one trial at the stage that asks for most, where probes run."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Any

import ray

from cluster.connect import connect
from service.engine.fleet.capacity import slots_of
from service.engine.fleet.nodes import told
from service.policy.cluster_share.request import largest, requests
from service.spec import Spec
from service.spec.errors import SieveError
from trainables.errors import TaskError
from trainables.probe.evidence import BatchEvidence, Evidence, Question, Ramp

PATIENCE = 180.0
"""Seconds that a worker gets beside those of the probe, for its start and for reading data."""


class Target:
    """A cluster, for as long as the context lasts; ``slots`` trials fit at once, each with ``gpu`` GPUs.

    ``auto`` is one GPU here, or none where the cluster has none; ``gpus`` are those of the whole cluster.

    Raises:
        UserError: not even one trial fits, or this Ray cannot join the cluster.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._stack = ExitStack()
        self._request = largest(requests(spec))
        self.slots = 1
        self.gpus = 0.0

    def __enter__(self) -> Target:
        with told():
            resources = self._stack.enter_context(connect())
        try:
            self.gpus = resources.get("GPU", 0.0)
            asked = requests(self._spec, auto=min(1.0, self.gpus))
            self._request = largest(asked)
            self.slots = slots_of(asked, resources, self._spec.resources.max_concurrent)
        except BaseException:
            self._stack.close()
            raise
        return self

    @property
    def gpu(self) -> float:
        """The GPUs of a trial."""
        return self._request.gpu

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._stack.close()

    def probe(self, question: Question, data: Any | None) -> Evidence:
        """Everything about a task; ``data`` is what the head loaded. Raises TaskError as the probes do."""
        evidence: Evidence = self._run("measure:thorough", question, data)
        return evidence

    def peak(self, question: Question, data: Any | None) -> int | None:
        """The most bytes of a GPU that a trial takes, None without one. Raises TaskError as the probe does."""
        most: int | None = self._run("measure:peak", question, data)
        return most

    def ramp(self, question: Question, data: Any | None) -> Ramp:
        """The loss while the learning rate rises. Raises TaskError as the probe does."""
        ramp: Ramp = self._run("finders.lr_finder:ramp", question, data)
        return ramp

    def batch_sizes(self, question: Question, data: Any | None) -> tuple[BatchEvidence, ...]:
        """Speed and memory of ever larger batches. Raises TaskError as the probe does."""
        timed: tuple[BatchEvidence, ...] = self._run("finders.batch_size_finder:batch_sizes", question, data)
        return timed

    def _run(self, name: str, question: Question, data: Any | None) -> Any:
        """The result of the function ``name`` of `trainables.probe` there; gives up after a multiple of its seconds."""
        each = self._request.each
        asked = {"num_cpus": each["CPU"], "num_gpus": each["GPU"], "memory": each.get("memory")}
        remote = ray.remote(**asked, max_retries=0)(_probe)
        limit = PATIENCE + 3 * question.seconds
        running = remote.remote(name, question, data)
        try:
            result, error = ray.get(running, timeout=limit)
        except ray.exceptions.GetTimeoutError:
            ray.cancel(running, force=True)
            raise SieveError(
                f"the check had no answer within {limit:.0f} s", "look for a task that waits, or raise --seconds"
            ) from None
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError):
            raise SieveError(
                "the worker died, as it does where memory runs out", "ask for less in the task, or a smaller space"
            ) from None
        if error is not None:
            raise error
        return result


def _probe(name: str, question: Question, data: Any | None) -> tuple[Any, TaskError | None]:
    """Runs in the worker. A task's mistake is handed back: raised there, it would drag Ray's traceback along."""
    from importlib import import_module

    from trainables.errors import told
    from trainables.loop import gpu_memory
    from trainables.worker.loading import refresh

    if ray.is_initialized() and not ray.get_gpu_ids():
        gpu_memory.hide()
    refresh(question.given.project)  # a worker of a cluster that lives on may have seen older code
    module, _, function = name.partition(":")
    try:
        return getattr(import_module(f"trainables.probe.{module}"), function)(question, data), None
    except TaskError as error:
        return None, error
    except (Exception, SystemExit) as error:
        return None, TaskError(told(error), "correct the task")
