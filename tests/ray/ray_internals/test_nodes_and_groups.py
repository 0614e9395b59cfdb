"""What Ray does not promise and Sieve uses, on a Ray that runs: where actors are, and what dead ones leave."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import ray
from ray.util import placement_group, placement_group_table, remove_placement_group

from cluster.ray_internals.actors import node_of
from cluster.ray_internals.nodes import free_by_node
from cluster.ray_internals.placement_groups import abandoned


def until(ready: Callable[[], Any], seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := ready()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


@ray.remote(num_cpus=1)
class Maker:
    """An actor that makes a placement group, and dies when it is told."""

    def make(self) -> str:
        return str(placement_group([{"CPU": 1}]).id.hex())

    def id(self) -> str:
        return str(ray.get_runtime_context().get_actor_id())


@pytest.fixture
def here() -> str:
    [node] = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    return str(node)


def test_the_node_of_an_actor_is_known_also_when_it_is_dead(here: str) -> None:
    maker = Maker.remote()
    id = ray.get(maker.id.remote())
    assert node_of(id) == here
    ray.kill(maker)
    assert node_of(id) == here
    assert node_of("f" * len(id)) is None


def test_what_is_free_on_a_node_is_what_no_actor_holds(here: str) -> None:
    until(lambda: free_by_node()[here].get("CPU") == 2.0)
    maker = Maker.remote()
    ray.get(maker.id.remote())
    until(lambda: free_by_node()[here].get("CPU") == 1.0)
    ray.kill(maker)
    until(lambda: free_by_node()[here].get("CPU") == 2.0)


def test_the_placement_group_of_a_dead_actor_is_abandoned_and_no_other() -> None:
    mine, maker = placement_group([{"CPU": 0.1}]), Maker.remote()
    made = ray.get(maker.make.remote())
    assert abandoned() == []
    ray.kill(maker)
    [group] = until(abandoned)
    assert group.id.hex() == made
    remove_placement_group(group)
    until(lambda: placement_group_table()[made]["state"] == "REMOVED")
    assert abandoned() == []
    remove_placement_group(mine)
