"""What a cluster has, as its dashboard tells, and what could be placed on it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from cluster.errors import ClusterError, RayChanged
from cluster.inventory import Node, could_fit, nodes, total
from service.engine.fleet.nodes import request_of
from service.spec.errors import UserError

TOKEN = "s3cret"
ANSWERS: dict[str, Any] = {
    "/api/v0/nodes": {
        "result": {
            "result": [
                {"node_id": "a1", "node_ip": "10.0.0.1", "state": "ALIVE", "resources_total": {"CPU": 8.0, "GPU": 4.0}},
                {"node_id": "b2", "node_ip": "10.0.0.2", "node_name": "big", "state": "DEAD", "resources_total": {}},
            ]
        }
    },
    "/nodes": {"summary": [], "nodeLogicalResources": {"a1": "3.0/8.0 CPU\n1.5/4.0 GPU\n1.2GiB/20.31GiB memory"}},
}
VERSION = {"version": "4", "ray_version": "2.99.0"}
"""What is answered at /api/version, without the envelope of the others."""


class Dashboard(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        path = self.path.partition("?")[0]
        answer = VERSION if path == "/api/version" and VERSION else {"data": ANSWERS[path]} if path in ANSWERS else None
        self.send_response((200 if answer else 404) if allowed else 401)
        self.end_headers()
        if allowed and answer:
            self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def dashboard() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Dashboard) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _no_token(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))


def test_a_dashboard_tells_nodes_and_what_is_used(dashboard: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    first, second = nodes(dashboard)
    assert first == Node("a1", "10.0.0.1", {"CPU": 8.0, "GPU": 4.0}, True, {}, {"CPU": 3.0, "GPU": 1.5})
    assert (second.name, second.alive, second.used) == ("big", False, None)


def test_a_wrong_token_or_none_is_said_with_the_cure(dashboard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError, match=r"wants a token.*set RAY_AUTH_TOKEN"):
        nodes(dashboard)
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    assert len(nodes(dashboard)) == 2
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    with pytest.raises(ClusterError, match="wants a token"):
        nodes(dashboard)


def test_a_dashboard_of_another_ray_may_not_say_what_is_used(dashboard: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    for other in ({}, [], {"nodeLogicalResources": {"a1": {"CPU": [3.0, 8.0]}}}):
        monkeypatch.setitem(ANSWERS, "/nodes", other)
        assert [node.used for node in nodes(dashboard)] == [None, None]
    monkeypatch.delitem(ANSWERS, "/nodes")
    assert [node.used for node in nodes(dashboard)] == [None, None]


@pytest.mark.parametrize("other", [None, [], {"nodes": []}, {"result": {"result": [{"id": "a1"}]}}])
def test_a_dashboard_of_another_ray_that_tells_nodes_otherwise_is_refused_with_its_version(
    other: Any, dashboard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", TOKEN)
    if other is None:
        monkeypatch.delitem(ANSWERS, "/api/v0/nodes")
    else:
        monkeypatch.setitem(ANSWERS, "/api/v0/nodes", other)
    with pytest.raises(RayChanged, match=r"is one of Ray 2\.99\.0 and does not tell its nodes .*; try again, or give"):
        nodes(dashboard)
    for name in list(VERSION):
        monkeypatch.delitem(VERSION, name)
    with pytest.raises(ClusterError, match=r"gave no sensible answer .*; is it that of a Ray cluster"):
        nodes(dashboard)


def test_nobody_at_the_address_is_said() -> None:
    with pytest.raises(ClusterError, match=r"127.0.0.1:9.* cannot be reached .*is the address right"):
        nodes("http://127.0.0.1:9")


NODES = [
    Node("a", "a", {"CPU": 8.0, "GPU": 4.0}, True),
    Node("b", "b", {"CPU": 32.0}, True),
    Node("c", "c", {"CPU": 64.0, "GPU": 8.0}, False),
]


def test_dead_nodes_have_nothing() -> None:
    assert total(NODES) == {"CPU": 40.0, "GPU": 4.0}


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"GPU": 4, "CPU": 8}, None),
        ({"GPU": 0.5}, None),
        ({"CPU": 32, "GPU": 0}, None),
        ({"GPU": 8}, "asks 8 GPUs on one node; largest node has 4 GPUs"),
        ({"TPU": 1}, "asks 1 TPU on one node; largest node has 0 TPU"),
        ({"GPU": 1, "CPU": 16}, "asks 1 GPU and 16 CPUs on one node; nodes have them, but none has all"),
    ],
)
def test_whether_a_request_could_ever_be_placed_is_said_in_words(request_: dict[str, float], why: str | None) -> None:
    assert could_fit(NODES, request_) == why
    assert could_fit([], request_) == "the cluster has no node"


def test_requests_are_written_as_amounts_by_resource() -> None:
    assert request_of("gpu=8, cpu=2,accelerator=0.5") == {"GPU": 8.0, "CPU": 2.0, "accelerator": 0.5}
    for wrong in ("gpu", "gpu=many", "gpu=-1", "=3", ""):
        with pytest.raises(UserError, match="write amounts by resource"):
            request_of(wrong)
