"""`check` and `quick` where that is fastest: in a worker that waits with torch loaded, if there is one; else here.

Then the process that drives the sweep loads neither torch nor the task.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from cluster.lease import is_warm
from service.engine.preflight import checked, examination
from service.engine.preflight.checked import Checked
from service.engine.preflight.finding import Report
from service.spec import Spec, load
from service.spec.errors import SieveError


@dataclass(frozen=True)
class _Answer:
    """What a worker found; ``spec`` has the facts of its task, ``shares`` tells whether there are data to share."""

    spec: Mapping[str, Any]
    checked: Checked
    report: Report | None
    shares: bool


_Key = tuple[str, str, str, bool]

_asked: dict[_Key, tuple[Any, Any]] = {}
"""References to the answer and the data of each look by a worker, by cluster, task and whether it was probed."""


def check(spec: Spec, project: str, source: object = None) -> Checked:
    """As `checked.check`; ``data`` may be a reference to an object of Ray.

    Raises:
        SpecError: as `checked.check` does.
        SieveError: the worker died.
    """
    if checked.is_known(spec, project) or not _has_worker():
        return checked.check(spec, project, source)
    answer, data = _answer(_begun(spec, project, source))
    return replace(answer.checked, data=data if answer.shares else None)


def fitted(spec: Spec, project: str, source: object = None) -> Spec:
    """As `checked.fitted`. Raises as `check` does."""
    if checked.is_known(spec, project) or not _has_worker():
        return checked.fitted(spec, project, source)
    found = load(_answer(_begun(spec, project, source))[0].spec)
    for probes in (True, False):  # what was found is true of the spec with the facts, too
        if (asked := _asked.get(_key(spec, project, probes))) is not None:
            _asked[_key(found, project, probes)] = asked
    return found


def afresh(project: str) -> None:
    """Let what comes next see the code and data of the folder ``project`` as they are now."""
    checked.afresh(project)
    _asked.clear()


def quick(spec: Spec, project: str) -> Report:
    """As `examination.quick`. Raises as `check` does."""
    if not _has_worker():
        return examination.quick(spec, project)
    answer, _ = _answer(begin(spec, project))
    return answer.report or Report(())


def begin(spec: Spec, project: str, source: object = None, *, probes: bool = True) -> _Key:
    """Have a worker look at the task, for a later `check` or `quick`; does not wait.

    Without ``probes`` it loads the task and its data, no more. This process must use Ray.
    """
    key = _key(spec, project, probes)
    if key not in _asked:
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        from cluster.ray_internals.workers import environment

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        ask = ray.remote(
            num_cpus=0,
            num_returns=2,
            max_retries=0,
            scheduling_strategy=here,
            runtime_env={"env_vars": environment()},  # That of the workers that wait.
        )(_look)
        where = str(source) if isinstance(source, str) else None
        _asked[key] = tuple(ask.remote(spec.to_dict(), project, where, probes))
    return key


def _begun(spec: Spec, project: str, source: object) -> _Key:
    """A look of a worker at that task, which was begun before or is begun now."""
    probed = _key(spec, project, probes=True)
    return probed if probed in _asked else begin(spec, project, source, probes=False)


def _has_worker() -> bool:
    """Whether this process uses a Ray with workers that wait."""
    ray = sys.modules.get("ray")
    return ray is not None and ray.is_initialized() and is_warm()


def _key(spec: Spec, project: str, probes: bool) -> _Key:
    import ray

    return ray.get_runtime_context().gcs_address, repr(spec.to_dict()), project, probes


def _answer(key: _Key) -> tuple[_Answer, Any]:
    import ray

    answer, data = _asked[key]
    try:
        found = ray.get(answer)
    except ray.exceptions.WorkerCrashedError:
        raise SieveError(
            "the worker that loads the task died, as it does where memory runs out or the task ends its process",
            "look at what the task does when it is imported, and in data()",
        ) from None
    if isinstance(found, SieveError):
        raise found
    return found, data


def _look(spec: Mapping[str, Any], project: str, source: str | None, probes: bool) -> tuple[_Answer | SieveError, Any]:
    """Runs in the worker. A mistake is handed back: raised there, it would drag Ray's traceback along."""
    try:
        checked.afresh(project)
        read = checked.fitted(load(spec), project, source)
        found = checked.check(read, project, source)
        report = examination.quick(read, project) if probes else None
        return _Answer(read.to_dict(), replace(found, data=None), report, found.data is not None), found.data
    except SieveError as error:
        return error, None
