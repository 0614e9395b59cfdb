"""The only place that starts or joins a Ray cluster."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import ray

from cluster.ray_internals.authentication import show_token
from cluster.switches import SWITCHES

LOCAL = "local"
"""The address of a cluster that begins and ends with this process."""


@contextmanager
def _handlers_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself and ends the process; who asked for a cluster keeps the handlers it had."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def is_joined() -> bool:
    """Whether `connect` joins a cluster by default rather than start one for this process alone."""
    return os.environ.get("RAY_ADDRESS", LOCAL) != LOCAL


@contextmanager
def connect(
    address: str | None = None, cpus: int | None = None, gpus: int | None = None, project: Path | None = None
) -> Iterator[Mapping[str, float]]:
    """Join the cluster at ``address`` (default: RAY_ADDRESS), or start one on this machine; yields its resources.

    ``cpus`` and ``gpus`` are what a local cluster has (default: the machine's). A cluster that was started here
    ends here; one that was joined, or that this process already uses, goes on. Ray brings the folder ``project`` to
    every node, where it is the working directory of each worker (default: workers have that of their node).

    Raises:
        RayChanged: this Ray cannot show its token to the cluster.
    """
    if ray.is_initialized():
        yield ray.cluster_resources()
        return
    for name, value in SWITCHES.items():
        os.environ.setdefault(name, value)
    address = address or os.environ.get("RAY_ADDRESS") or LOCAL
    local = {"num_cpus": cpus, "num_gpus": gpus, "include_dashboard": False} if address == LOCAL else {}
    code = {} if project is None else {"runtime_env": {"working_dir": str(project)}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        with _handlers_kept():
            if address != LOCAL:
                show_token()
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **local, **code)
    try:
        yield ray.cluster_resources()
    finally:
        _leave()


def _leave() -> None:
    """Shut Ray down with no garbage of its own left behind.

    While it shuts down, a reference to an object or actor that dies makes Ray end the process with code 1. Python
    collects cycles in whichever thread allocates, such as one that draws a view meanwhile.
    """
    gc.collect()
    automatic = gc.isenabled()
    gc.disable()
    try:
        ray.shutdown()
    finally:
        if automatic:
            gc.enable()
