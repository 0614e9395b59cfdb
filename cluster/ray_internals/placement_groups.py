"""Placement groups that nobody needs any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cluster.ray_internals.absence import refused

if TYPE_CHECKING:
    from ray.util.placement_group import PlacementGroup


def abandoned() -> list[PlacementGroup]:
    """The placement groups of this process's job whose maker, an actor, is dead: Ray keeps them until the job ends.

    The public table of placement groups does not say who made them.

    Raises:
        RayChanged: Ray's own table does not either.
    """
    with refused("trials of several processes", "write resources.workers: 1"):
        import ray
        from ray._private.state import state
        from ray.core.generated.gcs_pb2 import PlacementGroupTableData
        from ray.util.placement_group import PlacementGroup

        job, found = ray.get_runtime_context().get_job_id(), []
        for row in state._connect_and_get_accessor().get_placement_group_table():
            group = PlacementGroupTableData.FromString(row)
            made_here = group.creator_job_id.hex() == job and not group.is_detached
            by_actor = not ray.ActorID(group.creator_actor_id).is_nil()
            over = group.creator_actor_dead and group.state != PlacementGroupTableData.REMOVED
            if made_here and by_actor and over:
                found.append(PlacementGroup(ray.PlacementGroupID(group.placement_group_id)))
        return found
