"""A Ray that does not start is said in one sentence."""

from __future__ import annotations

import pytest
import ray

from cluster.connect import connect
from cluster.errors import ClusterError


def test_a_ray_that_does_not_start_in_time_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: object) -> None:
        raise Exception("The current node timed out during startup. This could happen because\n  some raylet failed")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # another test of this process may use one
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(ClusterError) as caught, connect(cpus=1):
        pass
    said = str(caught.value)
    assert said.startswith("Ray did not start on this machine (Exception: The current node timed out during startup. ")
    assert "some raylet failed); see that processors, memory" in said
    assert "\n" not in said


def test_a_cluster_that_is_named_keeps_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: object) -> None:
        raise ConnectionError("no one there")

    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # another test of this process may use one
    with pytest.raises(ConnectionError, match="no one there"), connect("192.0.2.1:6379"):
        pass
