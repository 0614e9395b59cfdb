"""Joining or starting a Ray cluster: the only place that calls ``ray.init``."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import ray

from cluster.errors import ClusterError
from cluster.lease import lease
from cluster.ray_internals.authentication import show_token
from cluster.switches import SWITCHES

LONGEST = 300
"""Characters of what Ray said that are shown."""

LOCAL = "local"
"""The address of a cluster that begins and ends with this process."""


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Context that restores the signal handlers, as ``ray.init`` replaces that of SIGTERM by one that exits."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def is_joined() -> bool:
    """Whether `connect` joins a cluster by default, instead of starting one for this process alone."""
    return os.environ.get("RAY_ADDRESS", LOCAL) != LOCAL


@contextmanager
def connect(
    address: str | None = None, cpus: int | None = None, gpus: int | None = None, project: Path | None = None
) -> Iterator[Mapping[str, float]]:
    """Join the cluster at ``address`` (default: RAY_ADDRESS), or start one on this machine; yields its resources.

    ``cpus`` and ``gpus`` are those of a local cluster (default: the machine's). A cluster that is started here is shut
    down at the end; one that is joined, or that this process uses already, is not. Where nothing is said at all, the
    local cluster is one that is kept between sweeps, see `cluster.lease`, if there is one to be had. The folder
    ``project`` is the ``working_dir`` of Ray's runtime environment on every node (default: none).

    Raises:
        RayChanged: this Ray cannot show its token to the cluster.
        ClusterError: Ray does not start on this machine, such as within its time.
    """
    if ray.is_initialized():
        yield ray.cluster_resources()
        return
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    local = {"num_cpus": cpus, "num_gpus": gpus} if address == LOCAL else {}
    code = {} if project is None else {"runtime_env": {"working_dir": str(project)}}
    with ExitStack() as stack:
        if address == LOCAL and cpus is None and gpus is None and not code:
            address = _kept(stack) or LOCAL
        if not ray.is_initialized():
            _init(address, **(local | {"include_dashboard": False} if address == LOCAL else {}), **code)
        try:
            yield ray.cluster_resources()
        finally:
            _leave()


def own_address() -> str:
    """The address of the cluster that this process has joined or started, host:port."""
    return str(ray.get_runtime_context().gcs_address)


def _kept(stack: ExitStack) -> str | None:
    """The address of a kept cluster, joined and leased until ``stack`` ends; None where there is none."""
    address = stack.enter_context(lease())
    if address is None:
        return None
    try:
        _init(address)
    except (ConnectionError, RuntimeError):  # It died just now.
        return None
    return address


def _init(address: str, **options: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        with _handlers_kept():
            if address != LOCAL:
                show_token()
            try:
                ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **options)
            except Exception as error:
                if address != LOCAL:
                    raise
                raise _not_started(error) from error


def _not_started(error: Exception) -> ClusterError:
    """What to say where Ray, as it was to start on this machine, raised ``error``: of any class, and of many lines."""
    words = " ".join(str(error).split())
    said = words if len(words) <= LONGEST else f"{words[: LONGEST - 1]}…"
    return ClusterError(
        f"Ray did not start on this machine ({type(error).__name__}: {said})",
        "see that processors, memory and the temporary folder have room, and run it again; its logs are in "
        "ray/session_latest/logs of the temporary folder",
    )


def _leave() -> None:
    """Shut Ray down, after a garbage collection.

    A reference to an object or actor that is collected while Ray shuts down makes Ray exit the process with code 1, and
    Python collects cycles in any thread that allocates, such as one that draws a view.
    """
    gc.collect()
    automatic = gc.isenabled()
    gc.disable()
    try:
        ray.shutdown()
    finally:
        if automatic:
            gc.enable()
