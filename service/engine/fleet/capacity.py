"""The capacity of a cluster: how many trials fit at once, and the memory of its smallest GPU."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress

import ray
from ray.exceptions import GetTimeoutError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from service.policy.cluster_share.packing import concurrent, gib
from service.policy.cluster_share.request import Request
from service.spec.errors import UserError
from trainables.loop import gpu_memory

PATIENCE = 60.0
"""Seconds to wait for the nodes to say how much memory their GPUs have."""


def slots_of(requests: Iterable[Request], resources: Mapping[str, float], limit: int | None) -> int:
    """How many trials run at once: as many as fit a cluster of ``resources``, at most ``limit`` (None: no limit).

    ``requests`` are those of the stages. The largest counts: trials of all stages run side by side, and one that is
    promoted must find room beside the others.

    Raises:
        UserError: at some stage not even one trial fits.
    """
    fit = min(_fitting(request, resources) for request in requests)
    return min(fit, limit or fit)


def _fitting(request: Request, resources: Mapping[str, float]) -> int:
    for name, amount in request.whole.items():
        if amount > resources.get(name, 0.0):
            there = resources.get(name, 0.0)
            asked, has = (gib(amount), gib(there)) if name == "memory" else (f"{amount:g}", f"{there:g}")
            raise UserError(
                f"a trial asks for {asked} {name}, the cluster has {has}",
                f"lower resources.{name.lower()} or join a larger cluster with RAY_ADDRESS",
            )
    fit = min(int(resources[name] // request.whole[name]) for name in ("CPU", "memory") if name in request.whole)
    return min(fit, concurrent(resources["GPU"], request.gpu)) if request.gpu > 0 else fit


def smallest_gpu() -> int | None:
    """Bytes of memory of the smallest GPU, by asking one of each node; None where none can be asked."""
    asked = ray.remote(num_cpus=0, num_gpus=0.01, max_retries=0)(gpu_memory.total)
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["Resources"].get("GPU")]
    answers = [
        asked.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False)).remote() for node in nodes
    ]
    with suppress(GetTimeoutError):
        return min((size for size in ray.get(answers, timeout=PATIENCE) if size is not None), default=None)
    return None
