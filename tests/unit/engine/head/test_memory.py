"""Memory that the spec names is set aside for each process, and no more trials run than fit."""

from __future__ import annotations

import pytest

from service.engine.fleet.capacity import slots_of
from service.engine.head.resources.gpu_packing import GpuPacking
from service.policy.cluster_share.placement import Places
from service.policy.cluster_share.request import requests
from service.spec import load
from service.spec.errors import UserError
from tests.ray.toys import toy

GIB = 2.0**30
SPEC = load(toy(resources={"memory": "6GiB"}))
PAIR = load(toy(resources={"memory": "6GiB", "workers": 2}))


def test_no_more_trials_run_than_memory_has_room_for() -> None:
    cluster = {"CPU": 8.0, "GPU": 0.0, "memory": 20 * GIB}
    assert slots_of(requests(SPEC), cluster, None) == 3
    assert slots_of(requests(PAIR), cluster, None) == 1
    with pytest.raises(UserError, match=r"asks for 6\.00 GiB memory, the cluster has 4\.00 GiB; lower resources\.mem"):
        slots_of(requests(SPEC), {"CPU": 8.0, "memory": 4 * GIB}, None)


def test_ray_is_asked_for_it() -> None:
    cluster = {"CPU": 8.0, "GPU": 0.0, "memory": 20 * GIB}
    alone, pair = (GpuPacking(spec, cluster, [], lambda: None, lambda: None) for spec in (SPEC, PAIR))
    assert alone.request(1, 0).bundles == [{"CPU": 1.0, "memory": 6 * GIB}]
    assert pair.crew(0) == {"workers": 2, "cpu": 1.0, "gpu": 0.0, "memory": 6 * 2**30}
    assert alone.asks == {"CPU": 1.0, "GPU": 0.0, "memory": 6 * GIB}


def test_shares_of_a_cluster_know_it() -> None:
    places = Places([{"CPU": 8.0, "memory": 10 * GIB}])
    asks = {"CPU": 1.0, "memory": 6 * GIB}
    assert places.take(asks)
    assert not places.take(asks)
    assert places.refusal({"memory": 16 * GIB}) == ("asks 16.00 GiB memory on one node; largest node has 10.00 GiB")
