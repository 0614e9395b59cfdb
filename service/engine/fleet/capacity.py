"""What the cluster has room for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import ray
from ray.exceptions import GetTimeoutError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from service.policy.cluster_share.packing import concurrent
from service.spec import Spec
from service.spec.errors import UserError
from trainables.loop import gpu_memory

PATIENCE = 60.0
"""Seconds to wait for the nodes to say how much memory their GPUs have."""


def slots_of(spec: Spec, resources: Mapping[str, float], gpu: float) -> int:
    """How many trials of ``gpu`` GPUs run at once: as many as fit the cluster, at most ``resources.max_concurrent``.

    Raises:
        UserError: not even one trial fits.
    """
    asked = {"CPU": spec.resources.cpu * spec.resources.processes, "GPU": gpu}
    for name, amount in asked.items():
        if amount > resources.get(name, 0.0):
            raise UserError(
                f"a trial asks for {amount:g} {name}, the cluster has {resources.get(name, 0.0):g}",
                f"lower resources.{name.lower()} or join a larger cluster with RAY_ADDRESS",
            )
    fit = int(resources["CPU"] // asked["CPU"])
    if gpu > 0:
        fit = min(fit, concurrent(resources["GPU"], gpu))
    return min(fit, spec.resources.max_concurrent or fit)


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
