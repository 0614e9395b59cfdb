"""The Tune placement group of a trial."""

from __future__ import annotations

from collections.abc import Sequence

from ray import tune

from service.policy.cluster_share.request import Request

NODE = "ray.io/node-id"
"""The label by which Ray tells nodes apart."""


def placement_group(request: Request, avoided: Sequence[str]) -> tune.PlacementGroupFactory:
    """What Tune reserves for a trial that asks for ``request``, on none of the ``avoided`` nodes (Ray's ids)."""
    if request.processes > 1:
        # Ray Train reserves for its processes; Tune's part only leads them, but must ask for something: one byte.
        return tune.PlacementGroupFactory([{"memory": 1}])
    if not avoided:
        return tune.PlacementGroupFactory([request.each])
    others = f"!in({','.join(avoided)})"
    return tune.PlacementGroupFactory([request.each], bundle_label_selector=[{NODE: others}])
