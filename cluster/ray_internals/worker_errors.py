"""Errors of workers that Tune does not know, and what the memory monitor says of one that it killed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.ray_internals.absence import excused

KILLED = "killed due to the node running low on memory"
"""Words of the memory monitor in the error of each worker that it killed."""

GONE = "its worker process has died"
"""Words of Ray in the error of a worker whose process is no more; it lists what may have been the cause."""

DIED = "its worker process died: it crashed in native code, called os._exit, or was killed, perhaps for memory"

GIB = 2**30


@contextmanager
def each_of_its_trial() -> Iterator[None]:
    """Context in which Tune takes whatever a call to a worker ends with for the failure of that worker's trial.

    Tune knows RayActorError and RayTaskError alone. Others leave `Tuner.fit` and end all trials: that of a worker which
    the memory monitor killed (OutOfMemoryError), and that of a result which cannot be unpickled here (RaySystemError).
    Where Ray lacks one of the methods that are replaced meanwhile, they still do.
    """
    replaced: list[tuple[Any, str, Any]] = []
    with excused("which trial an error of a worker is of"):
        from ray.air.execution._internal.actor_manager import RayActorManager
        from ray.tune.experiment import Trial

        replaced.append((RayActorManager, "_actor_task_failed", _translated(RayActorManager._actor_task_failed)))
        replaced.append((Trial, "_get_default_result_or_future", _forgiving(Trial._get_default_result_or_future)))
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in replaced]
    for owner, name, method in replaced:
        setattr(owner, name, method)
    try:
        yield
    finally:
        for owner, name, method in before:
            setattr(owner, name, method)


def _translated(known: Any) -> Any:
    """Where the error of a call comes in: others become one that Tune knows."""
    from ray.exceptions import RayActorError, RayTaskError

    def failed(self: Any, tracked_actor_task: Any, exception: Exception) -> None:
        if not isinstance(exception, (RayActorError, RayTaskError)):
            exception = RayActorError(error_msg=f"{type(exception).__name__}: {exception}")
        known(self, tracked_actor_task=tracked_actor_task, exception=exception)

    return failed


def _forgiving(known: Any) -> Any:
    """Where Tune asks a worker for its address, perhaps when it is dead: there is none then."""
    from ray.exceptions import RayError

    def result(self: Any) -> Any:
        try:
            return known(self)
        except RayError:
            self._default_result_or_future = None
            return None

    return result


def error_of(trial: Any) -> str:
    """The error in full by which a Tune ``trial`` ended, empty where Ray does not tell it.

    `Trial.get_error` looks where Tune has not copied it to yet when it tells of the error.
    """
    with excused("why a worker died"):
        file = trial.error_file
        if file and Path(file).exists():
            _, _, words = Path(file).read_text(errors="replace").partition("\n")  # The first line says when.
            return words.strip()
    return ""


def said_of(error: str) -> str:
    """The ``error`` of a worker in one line: the last, which has the exception; of a process that died, that it did."""
    last = (error.splitlines() or [""])[-1].strip()
    return DIED if not last or GONE in error else last


@dataclass(frozen=True)
class MemoryKill:
    """The end of a worker by the memory monitor: what it ``took``, and what was ``used`` of the node's ``total``.

    All in bytes; None where Ray does not say it, or no longer in these words.
    """

    took: int | None
    used: int | None
    total: int | None


def memory_kill(error: str, worker: str | None) -> MemoryKill | None:
    """What ``error`` says of the kill of the actor ``worker`` (its id); None: the memory monitor did not kill it."""
    if KILLED not in error:
        return None
    node = re.search(r"([\d.]+)GB used / ([\d.]+)GB limit", error)
    used, total = (_bytes(node[1]), _bytes(node[2])) if node else (None, None)
    took = re.search(rf"Actor\({worker}\).*?actual memory used=([\d.]+)GB", error) if worker else None
    return MemoryKill(_bytes(took[1]) if took else None, used, total)


def _bytes(gigabytes: str) -> int:
    return round(float(gigabytes) * GIB)
