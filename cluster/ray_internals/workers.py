"""Worker processes that wait for work: how many there are on this machine's own Ray, and starting more.

A worker that waits serves what asks for the very environment that it was started with, `environment`.
"""

from __future__ import annotations

import logging
import os

import psutil

from cluster.ray_internals.absence import excused

NAMES = ("ray::IDLE", "default_worker.py")
"""What Ray calls the process of a worker that does nothing, and the file that one is started from."""

TIMEOUT = 10.0

STAY = {"RAY_CHDIR_TO_TRIAL_DIR": "0"}
"""Workers of Tune keep the working directory that they start in."""

_DEFAULTS = {"PL_DISABLE_FORK": "1"}
_PASSED_ON = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")


def environment() -> dict[str, str]:
    """The environment variables of the ``runtime_env`` that Tune gives its workers, as `STAY` makes it.

    Tune passes on more variables than these, where they are set: its own and NCCL's. Then no waiting worker suits it,
    and it starts its own.
    """
    return _DEFAULTS | STAY | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def waiting() -> int:
    """How many workers of the Ray that this process has started do nothing yet; 0 where Ray calls them otherwise."""
    count = 0
    for process in psutil.Process(os.getpid()).children(recursive=True):
        try:
            count += any(word.endswith(NAMES) for word in process.cmdline()[:3])
        except psutil.Error:
            continue
    return count


def prestart(count: int, seconds: float) -> None:
    """Start ``count`` workers that belong to no driver yet, and wait ``seconds`` for one, on the node of this process.

    They have the `environment` of Tune's. The first driver that needs such a worker takes one. Nothing happens where
    Ray lacks the call, which its own core has and no public name makes.
    """
    with excused("workers that start before they are needed"):
        import grpc
        import ray
        from ray._private.grpc_utils import init_grpc_channel
        from ray._private.utils import get_runtime_env_info
        from ray.core.generated.common_pb2 import Language
        from ray.core.generated.node_manager_pb2 import PrestartWorkersRequest
        from ray.core.generated.node_manager_pb2_grpc import NodeManagerServiceStub
        from ray.runtime_env import RuntimeEnv

        here = ray.get_runtime_context().get_node_id()
        node = next(node for node in ray.nodes() if node["NodeID"] == here)
        request = PrestartWorkersRequest(
            language=Language.PYTHON,
            runtime_env_info=get_runtime_env_info(RuntimeEnv(env_vars=environment())),
            keep_alive_duration_secs=max(1, int(seconds)),
            num_workers=count,
        )
        with init_grpc_channel(f"{node['NodeManagerAddress']}:{node['NodeManagerPort']}") as channel:
            try:
                NodeManagerServiceStub(channel).PrestartWorkers(request, timeout=TIMEOUT)
            except grpc.RpcError as error:
                logging.getLogger(__name__).warning("no workers start before they are needed: %s", error)
