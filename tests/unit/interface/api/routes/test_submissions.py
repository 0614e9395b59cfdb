"""Submissions over HTTP: checked, the same again, in use, larger; and no code of users runs."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI

from service.interface.api.service_settings import ServiceSettings
from service.ledger import Store
from tests.unit.interface.api.conftest import CODE, PACKAGE, Person, zipped
from tests.unit.interface.conftest import SPEC


def names(store: Store) -> list[str]:
    return [sweep.name for sweep in store.sweeps()]


def test_a_new_sweep_waits_in_the_queue_and_its_code_was_not_imported(
    submitter: Person, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "toy", raising=False)  # another test's
    answer = submitter.submit(priority=7, weight=2.0)
    assert answer.status_code == 201
    record = store.sweep("new")
    assert (record.state, record.owner, record.package) == ("QUEUED", "sue", PACKAGE)
    assert (record.priority, record.weight) == (7, 2.0)
    assert "toy" not in sys.modules


def test_the_same_submission_is_the_same_sweep(submitter: Person, store: Store) -> None:
    first, again = submitter.submit(key="k"), submitter.submit(key="k")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["created"] == again.json()["created"]
    assert submitter.submit().status_code == 200
    assert names(store) == ["toy", "new"]


def test_a_key_is_for_one_submission(submitter: Person, store: Store, settings: ServiceSettings) -> None:
    submitter.submit(key="k")
    other = submitter.submit(key="k", name="other")
    assert (other.status_code, other.json()["type"]) == (422, "urn:sieve:problem:key-in-use")
    assert names(store) == ["toy", "new"]


def test_the_same_submission_many_times_at_once_is_one_sweep(submitter: Person, store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: submitter.submit(key="k").status_code, range(16)))
    assert sorted(answers) == [200] * 15 + [201]
    assert names(store) == ["toy", "new"]


def test_a_name_in_use_is_said_as_on_the_command_line(submitter: Person, admin: Person) -> None:
    submitter.submit()
    other = submitter.submit(parameters={"lr": {"uniform": [0, 1]}})
    assert other.status_code == 409
    assert other.json()["detail"] == "the name new is in use by a sweep with other parameters"
    assert "sieve extend new" in other.json()["cure"]
    assert admin.submit().json()["detail"] == "the name new is in use by a sweep of sue"


def test_more_trials_extend_it_and_fewer_change_nothing(submitter: Person, store: Store) -> None:
    for trials, planned in ((6, 6), (9, 9), (4, 9)):
        submitter.submit(search={"algorithm": "random", "trials": trials})
        assert store.sweep("new").spec["search"]["trials"] == planned


def test_a_paused_sweep_goes_on_with_the_new_code_but_a_running_one_keeps_its_own(
    submitter: Person, store: Store, settings: ServiceSettings
) -> None:
    import hashlib

    submitter.submit()
    other = zipped({"toy.py": "pass\n"})
    package = hashlib.sha256(other).hexdigest()
    settings.packages.put(package, iter([other]))
    attempt = store.claim("new", "h:1:1", lambda _: False).attempt
    running = submitter.submit(package)
    assert (running.status_code, running.json()["detail"]) == (409, "new is running with other code")
    assert running.json()["cure"].endswith("pause it first with sieve pause new, and submit it again")
    another = submitter.submit(package, parameters={"lr": {"uniform": [0, 1]}}).json()
    assert another["detail"] == "the name new is in use by a sweep with other parameters"
    store.end("new", attempt, "PAUSED", "so")
    again = submitter.submit(package).json()
    assert (again["state"], again["package"]) == ("QUEUED", package)


def test_a_sweep_that_failed_before_its_first_report_starts_over(submitter: Person, store: Store) -> None:
    submitter.submit(key="a")
    store.end("new", store.claim("new", "h:1:1", lambda _: False).attempt, "FAILED", "a typo")
    assert submitter.submit(key="b", parameters={"lr": {"uniform": [0, 1]}}).status_code == 201
    assert store.sweep("new").attempt == 0


def test_every_broken_rule_is_listed(submitter: Person, store: Store) -> None:
    answer = submitter.submit(stages=[], parameters={"lr": {"loguniform": [1, 0.1]}}, nme=1)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:sieve:problem:spec-error")
    places = {fault["where"] for fault in answer.json()["violations"]}
    assert {"stages", "parameters/lr", "nme"} <= places
    assert names(store) == ["toy"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"metric": {"name": "trial", "goal": "minimize"}}, "metric.name is 'trial'"),
        ({"search": {"warm_start": ["nobody"]}}, "there is no sweep 'nobody'"),
        ({"loggers": ["mlflow"]}, "the logger mlflow needs the package mlflow"),
        ({"data_dir": "a\0b"}, "write Unicode without NUL"),
        ({"parameters": {"a": {"choice": list(range(10_000))}}}, "holds more than 10000 values; list fewer"),
        ({"stages": [{"data": (i + 1) / 200, "epochs": 1} for i in range(101)]}, "has 101 stages, more than 100"),
        (
            {"search": {"initial": [{f"x{i}": 1} for i in range(3000)]}},
            "search/initial: is not looked at beyond 100; mend these first",
        ),
        ({"task": "toy:\ud800"}, "write Unicode without NUL"),
        ({"search": {"seed": 10**400}}, "more than 300 digits"),
    ],
)
def test_what_needs_no_code_is_checked(submitter: Person, store: Store, changes: dict[str, Any], said: str) -> None:
    answer = submitter.submit(**changes)
    assert answer.status_code in (404, 422)
    assert said in answer.json()["detail"]
    assert names(store) == ["toy"]


def test_a_spec_nested_without_end_is_refused(submitter: Person) -> None:
    deep: dict[str, Any] = {"lr": {"uniform": [0, 1]}}
    for _ in range(300):
        deep = {"a": deep}
    assert "more than 40 deep" in submitter.submit(parameters=deep).json()["detail"]
    body = b'{"spec":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}"
    answer = submitter("POST", "/sweeps", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


def test_what_no_node_could_ever_hold_is_refused_and_a_cluster_that_is_down_refuses_nothing(
    submitter: Person, settings: ServiceSettings, store: Store
) -> None:
    from cluster.inventory import Node

    settings.inventory = lambda: [Node("a", "one", {"CPU": 8.0, "GPU": 4.0}, True)]
    answer = submitter.submit(resources={"gpu": 8, "workers": 1})
    assert answer.json()["violations"][0]["where"] == "resources"
    assert "a trial asks 8 GPUs on one node; largest node has 4;" in answer.json()["detail"]
    assert names(store) == ["toy"]
    answer = submitter.submit(name="eight", resources={"gpu": 8})
    assert "asks 1 CPU and 1 GPU for each of 8 processes; the cluster has room for 4;" in answer.json()["detail"]
    settings.inventory = lambda: [Node(name, name, {"CPU": 8.0, "GPU": 4.0}, True) for name in "ab"]
    assert submitter.submit(name="eight", resources={"gpu": 8}).status_code == 201
    settings.inventory = lambda: 1 / 0  # type: ignore[assignment,return-value]
    assert submitter.submit(resources={"gpu": 8, "workers": 1}).status_code == 201


def test_code_must_be_there_first(app: FastAPI, secrets: dict[str, str], store: Store) -> None:
    sue = Person(app, secrets["submitter"])
    answer = sue.submit()
    assert (answer.status_code, answer.json()["detail"]) == (422, f"there is no package {PACKAGE}")
    assert names(store) == ["toy"]
    assert sue("PUT", f"/packages/{PACKAGE}", content=CODE).status_code == 201
    assert sue.submit().status_code == 201


def test_other_keys_in_a_submission_are_refused(submitter: Person) -> None:
    assert submitter("POST", "/sweeps", json={"spec": SPEC, "package": PACKAGE, "owner": "ada"}).status_code == 422
