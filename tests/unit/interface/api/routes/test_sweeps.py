"""Sweeps over HTTP: looking at them, what a person wants of them, their share, their end."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from service.interface.api.service_settings import ServiceSettings
from service.ledger import Store
from service.ledger.home import checkpoint_folder, spool_folder
from service.ledger.records import Batch, ReportRecord
from service.ledger.results.status import snapshot
from tests.unit.interface.api.conftest import PACKAGE, Person


def test_a_sweep_is_shown_with_its_status_and_without_spec_and_key(viewer: Person, store: Store) -> None:
    shown = viewer("GET", "/sweeps/toy").json()
    assert {"spec", "key"}.isdisjoint(shown)
    assert (shown["owner"], shown["state"], shown["task"]) == ("ann", "RUNNING", "toy:curve")
    assert shown["metric"] == {"name": "val_accuracy", "goal": "maximize"}
    assert shown["counts"] == {"FINISHED": 1, "STOPPED": 1, "RUNNING": 1, "FAILED": 1}
    status = snapshot(store.sweep("toy"), store.trials("toy"), store.reports("toy"), 0.0)
    assert shown["status"]["best"] == {"trial": 1, "stage": 1, "value": 0.8, "final": True, "epochs": None}
    assert shown["status"]["planned"] == status.planned
    assert viewer("GET", "/sweeps/toy/spec").json() == store.sweep("toy").spec


def test_what_is_no_number_is_null(viewer: Person, store: Store) -> None:
    store.append("toy", 1, Batch(reports=[ReportRecord(3, 1, 4, 1.0, 3.1, {"val_accuracy": math.nan}, 9, False, 1)]))
    [running] = viewer("GET", "/sweeps/toy").json()["status"]["running"]
    assert running["value"] is None


def test_pages_go_back_to_the_oldest(viewer: Person, store: Store) -> None:
    for number in range(4):
        store.create(f"s{number}", store.sweep("toy").spec, ".", "ann" if number % 2 else "bob", None)
    first = viewer("GET", "/sweeps?limit=3").json()
    assert [item["name"] for item in first["items"]] == ["s3", "s2", "s1"]
    rest = viewer("GET", f"/sweeps?limit=3&before={first['next']}").json()
    assert ([item["name"] for item in rest["items"]], rest["next"]) == (["s0", "toy"], None)
    of_bob = viewer("GET", "/sweeps?owner=bob&state=QUEUED").json()["items"]
    assert [item["name"] for item in of_bob] == ["s2", "s0"]
    assert viewer("GET", "/sweeps?state=SLEEPING").status_code == 422


def test_the_queue_has_the_first_at_the_top(viewer: Person, store: Store) -> None:
    for name, priority in (("low", -1), ("high", 1)):
        store.create(name, store.sweep("toy").spec, ".", "ann", None)
        store.update(name, priority=priority)
    items = viewer("GET", "/queue").json()["items"]
    assert [(item["sweep"], item["state"]) for item in items] == [
        ("high", "QUEUED"),
        ("toy", "RUNNING"),
        ("low", "QUEUED"),
    ]


def test_a_queued_sweep_is_paused_resumed_and_cancelled_at_once(submitter: Person) -> None:
    submitter.submit()
    for wish, state in (("pause", "PAUSED"), ("resume", "QUEUED"), ("resume", "QUEUED"), ("cancel", "CANCELLED")):
        answer = submitter("POST", "/sweeps/new/wish", json={"wish": wish})
        assert (answer.status_code, answer.json()["state"]) == (202, state)
    answer = submitter("POST", "/sweeps/new/wish", json={"wish": "resume"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "new is CANCELLED: there is nothing to resume")


def test_a_running_sweep_hears_the_wish_and_forgets_it(admin: Person, store: Store) -> None:
    assert admin("POST", "/sweeps/toy/wish", json={"wish": "pause"}).json()["wish"] == "pause"
    assert store.beat("toy", 1).wish == "pause"
    assert admin("POST", "/sweeps/toy/wish", json={"wish": "resume"}).json()["wish"] == "resume"
    store.beat("toy", 1, "RUNNING")
    assert admin("GET", "/sweeps/toy").json()["wish"] is None
    assert admin("POST", "/sweeps/toy/wish", json={"wish": "resume"}).status_code == 409


def test_only_the_owner_and_admins_manage_a_sweep(submitter: Person, admin: Person, store: Store) -> None:
    changes: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/sweeps/toy/wish", {"json": {"wish": "stop"}}),
        ("POST", "/sweeps/toy/extend", {"json": {"trials": 1}}),
        ("PATCH", "/sweeps/toy", {"json": {"priority": 5}}),
        ("DELETE", "/sweeps/toy", {}),
    ]
    before = store.sweep("toy")
    for method, path, options in changes:
        answer = submitter(method, path, **options)
        assert (answer.status_code, answer.json()["detail"]) == (403, "toy belongs to ann, not sue")
    assert store.sweep("toy") == before
    assert admin("PATCH", "/sweeps/toy", json={"priority": 5}).json()["priority"] == 5


def test_a_share_may_change_within_bounds(submitter: Person, store: Store) -> None:
    submitter.submit()
    changed = submitter("PATCH", "/sweeps/new", json={"priority": -3, "weight": 2.5}).json()
    assert (changed["priority"], changed["weight"]) == (-3, 2.5)
    submitter.submit()
    assert store.sweep("new").priority == -3
    for wrong in ({"priority": 101}, {"weight": 0}, {"priority": "1"}, {"prio": 1}, {"weight": True}):
        assert submitter("PATCH", "/sweeps/new", json=wrong).status_code == 422
    assert submitter("PATCH", "/sweeps/new", content="[1, NaN]").status_code == 422


def test_extending_queues_a_sweep_that_ended(submitter: Person, store: Store) -> None:
    submitter.submit()
    assert submitter("POST", "/sweeps/new/extend", json={"trials": 4}).json()["status"]["planned"] == 10
    attempt = store.claim("new", "h:1:1", lambda _: False).attempt
    assert submitter("POST", "/sweeps/new/extend", json={"trials": 4}).status_code == 409
    store.end("new", attempt, "SUCCEEDED", "done")
    extended = submitter("POST", "/sweeps/new/extend", json={"trials": 1}).json()
    assert (extended["state"], extended["status"]["planned"]) == ("QUEUED", 11)


def test_a_sweep_is_removed_with_its_files_but_not_while_it_runs(
    submitter: Person, admin: Person, settings: ServiceSettings, tmp_path: Path
) -> None:
    settings.storage = tmp_path / "shared"
    submitter.submit()
    roots = (settings.home, settings.storage)
    folders = [place(root, "new") for root in roots for place in (checkpoint_folder, spool_folder)]
    for folder in folders:
        folder.mkdir(parents=True)
    assert submitter("DELETE", "/sweeps/new").status_code == 204
    assert submitter("GET", "/sweeps/new").status_code == 404
    assert not any(folder.exists() for folder in folders)
    assert admin("DELETE", "/sweeps/toy").status_code == 409


def test_quotas_are_set_and_read(admin: Person) -> None:
    assert admin("PUT", "/quotas/*", json={"running": 2}).json() == {"owner": "*", "running": 2, "gpu_hours": None}
    admin("PUT", "/quotas/ann", json={"gpu_hours": 10})
    assert admin("GET", "/quotas/ann").json() == {"owner": "ann", "running": None, "gpu_hours": 10.0}
    assert admin("GET", "/quotas/bob").json()["running"] == 2
    used = {row["owner"]: row["gpu_hours_used"] for row in admin("GET", "/quotas").json()["items"]}
    assert used == {"*": None, "ann": 0.0}
    assert admin("PUT", "/quotas/ann", json={"running": -1}).status_code == 422
    assert admin("DELETE", "/quotas/ann").status_code == 204
    assert admin("GET", "/quotas/ann").json()["running"] == 2


def test_the_cluster_is_shown_where_one_is_known(viewer: Person, settings: ServiceSettings) -> None:
    from cluster.inventory import Node

    assert viewer("GET", "/cluster").json()["cure"] == "start it with: sieve serve --ray ADDRESS"
    settings.inventory = lambda: [
        Node("a", "one", {"CPU": 4.0, "GPU": 1.0}, True),
        Node("b", "two", {"CPU": 4.0}, False),
    ]
    shown = viewer("GET", "/cluster").json()
    assert [node["name"] for node in shown["nodes"]] == ["one", "two"]
    assert shown["total"] == {"CPU": 4.0, "GPU": 1.0}
    settings.inventory = lambda: 1 / 0  # type: ignore[assignment,return-value]
    assert viewer("GET", "/cluster").status_code == 503


def test_the_log_is_what_the_launcher_has(viewer: Person, settings: ServiceSettings, store: Store) -> None:
    assert viewer("GET", "/sweeps/toy/logs").status_code == 404
    lines = ["one\n"]
    settings.logs = lambda sweep: iter(lines)
    assert viewer("GET", "/sweeps/toy/logs").text == "one\n"

    def growing(sweep: Any) -> Any:
        lines.append(f"{len(lines)}\n")
        if len(lines) == 4:
            store.end("toy", 1, "SUCCEEDED", "done")
        return iter(lines)

    settings.logs = growing
    assert viewer("GET", "/sweeps/toy/logs?follow=1").text == "one\n1\n2\n3\n"


@pytest.mark.parametrize("path", ["/sweeps/../tokens", "/sweeps/%2e%2e/spec", "/sweeps/%00"])
def test_a_name_is_only_a_name(viewer: Person, app: FastAPI, path: str) -> None:
    assert viewer("GET", path).status_code in (403, 404)


def test_a_package_is_named_by_its_sweep(submitter: Person) -> None:
    assert submitter.submit().json()["package"] == PACKAGE


def test_what_is_asked_in_a_wrong_way_is_echoed_with_the_cure(submitter: Person) -> None:
    said = submitter("POST", "/sweeps/toy/extend", json={"trials": 0}).json()
    assert said["detail"] == "body/trials: Input should be greater than or equal to 1, not 0"
    assert submitter("GET", "/sweep").json()["detail"] == "there is nothing at /api/v1/sweep"
    assert submitter("PUT", "/sweeps").json()["detail"] == "PUT is nothing that /api/v1/sweeps knows"
    assert "openapi.json" in submitter("GET", "/sweep").json()["cure"]
    form = submitter("POST", "/sweeps/toy/wish", content=b'{"wish": "pause"}').json()
    assert (form["detail"], form["cure"]) == (
        "the body comes as nothing",
        "send the header Content-Type: application/json",
    )


def test_the_queue_is_a_table_by_accept(viewer: Person) -> None:
    text = viewer("GET", "/queue", headers={"Accept": "text/csv"}).text
    assert text.splitlines()[0] == "sweep,owner,state,priority,weight,slots,running,wanted,waits"
    assert [row["sweep"] for row in viewer("GET", "/queue").json()["items"]] == [text.splitlines()[1].split(",")[0]]
