"""What every source promises: the same answers to the same verbs, wherever the sweeps are."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from fastapi import FastAPI

from cluster.inventory import Node
from service.interface.source import TABLES
from service.ledger import Store
from service.ledger.errors import UnknownSweep
from service.ledger.folder import log_file
from service.ledger.records import Batch, DecisionRecord, SpaceRecord
from service.spec.errors import SieveError, UserError
from tests.contract.interface.conftest import Place, remote

Both = tuple[Place, Place]

LISTINGS = [
    ["ls"],
    ["queue"],
    ["status", "toy"],
    ["status", "over"],
    ["trials", "toy"],
    ["history", "toy"],
    ["best", "toy", "-n", "2"],
    ["space", "toy"],
    ["trials", "waiting"],
]


@pytest.mark.parametrize("words", LISTINGS, ids=" ".join)
@pytest.mark.parametrize("form", ["table", "json"])
def test_verbs_say_the_same_of_both(both: Both, words: list[str], form: str) -> None:
    here, there = (place(*words, "-o", form).stdout for place in both)
    if words[0] == "status" and form == "json":
        here, there = (json.loads(text) | {"silence": 0, "elapsed": 0, "eta": 0} for text in (here, there))
    elif words[0] == "status":
        here, there = (" ".join(text.splitlines()[1:]) for text in (here, there))  # the first line counts seconds
    assert here == there
    assert here


def test_what_is_missing_and_empty_is_said_in_the_same_words(both: Both) -> None:
    for words in (["best", "waiting"], ["trials", "waiting"], ["watch", "over"]):
        here, there = (place(*words).stdout for place in both)
        assert here == there


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("name", ["toy", "waiting"])
def test_frames_are_the_same_in_value_and_dtype(both: Both, table: Any, name: str) -> None:
    here, there = (place.source.frame(name, table, 3) for place in both)
    pd.testing.assert_frame_equal(here, there, check_exact=True)
    objects = here.select_dtypes(object).columns
    assert [list(map(repr, here[c])) for c in objects] == [list(map(repr, there[c])) for c in objects]


def test_verdicts_are_the_same_with_their_numbers(both: Both) -> None:
    here, there = (list(place.source.verdicts("toy")) for place in both)
    assert here == there
    assert here[1].numbers == {"rank": 2}


def test_frames_of_sweeps_are_the_same(both: Both) -> None:
    here, there = both
    pd.testing.assert_frame_equal(here.source.sweeps_frame(), there.source.sweeps_frame())
    pd.testing.assert_frame_equal(here.source.queue_frame(), there.source.queue_frame())


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_exported_files_are_the_same(both: Both, tmp_path: Path, form: str) -> None:
    files = [tmp_path / f"{number}.{form}" for number in range(2)]
    for place, file in zip(both, files, strict=True):
        place("export", "toy", "--what", "history", "--format", form, "-o", str(file))
    assert files[0].read_bytes() == files[1].read_bytes()


def test_an_unknown_sweep_is_the_same_mistake(both: Both) -> None:
    for verb in ("status", "trials", "watch", "logs", "pause", "stop", "cancel", "resume", "rm"):
        here, there = (place(verb, "toi", code=2).stderr for place in both)
        assert here == there
        assert here.startswith("error: there is no sweep 'toi' (did you mean 'toy'?)")


def test_an_unknown_sweep_raises_the_same(place: Place) -> None:
    with pytest.raises(UnknownSweep, match="did you mean 'toy'"):
        place.handle("toi").trials()


@pytest.mark.parametrize("wish", ["pause", "stop", "cancel"])
def test_wishes_reach_the_head(place: Place, store: Store, wish: str) -> None:
    assert "within seconds" in place(wish, "toy").stdout
    assert store.sweep("toy").wish == wish


def test_what_waits_is_settled_without_a_head(place: Place, store: Store) -> None:
    handle = place.handle("waiting")
    handle.pause()
    assert store.sweep("waiting").state == "PAUSED"
    handle.resume()
    assert handle.state == "QUEUED"
    handle.cancel()
    assert handle.state == "CANCELLED"
    with pytest.raises(UserError, match="waiting is CANCELLED: there is nothing to resume"):
        handle.resume()


def test_what_has_ended_cannot_be_stopped(both: Both) -> None:
    here, there = (place("stop", "over", code=2).stderr for place in both)
    assert here == there
    assert "over is SUCCEEDED: there is nothing to stop" in here


def test_more_trials_put_an_ended_sweep_into_the_queue(place: Place, store: Store) -> None:
    place.source.extend("over", 4)
    assert store.sweep("over").spec["search"]["trials"] == 10
    assert store.sweep("over").state == "QUEUED"
    with pytest.raises(SieveError, match="toy is running"):
        place.source.extend("toy", 4)


def test_priority_and_weight_change_the_queue(place: Place, store: Store) -> None:
    assert (
        "waiting has priority 7, weight 2.5" in place("update", "waiting", "--priority", "7", "--weight", "2.5").stdout
    )
    assert [row["sweep"] for row in json.loads(place("queue", "-o", "json").stdout)] == ["waiting", "toy"]
    assert "nothing to change" in place("update", "waiting", code=2).stderr
    assert (store.sweep("waiting").priority, store.sweep("waiting").weight) == (7, 2.5)


def test_removing_takes_all_of_it(place: Place, store: Store) -> None:
    assert "is running" in place("rm", "toy", "--yes", code=2).stderr
    assert "1 trials" in place("rm", "over", typed="y\n").stdout
    assert [sweep.name for sweep in store.sweeps()] == ["toy", "waiting"]


def test_waiting_ends_with_the_sweep(place: Place, store: Store) -> None:
    assert place.handle("over").wait().name == "over"
    with pytest.raises(TimeoutError, match="toy is still RUNNING after"):
        place.handle("toy").wait(timeout=0.05)
    store.end("toy", 1, "FAILED", "all trials failed")
    with pytest.raises(SieveError, match="toy failed: all trials failed"):
        place.handle("toy").wait()


def test_events_come_until_it_is_over(place: Place, store: Store) -> None:
    def happen() -> None:
        time.sleep(1.0)
        store.append("toy", 1, Batch(decisions=[DecisionRecord(3, 1, "finish", "finished it", {}, 9.0)]))
        time.sleep(1.0)
        store.end("toy", 1, "STOPPED", "a person said so")

    writer = threading.Thread(target=happen)
    writer.start()
    seen = list(place.handle("toy").events())
    writer.join()
    states = [event.data["state"] for event in seen if event.kind == "sweep"]
    assert (states[0], states[-1]) == ("RUNNING", "STOPPED")
    assert [event.data["reason"] for event in seen if event.kind == "decision"] == ["finished it"]


def test_events_of_what_is_over_end_at_once(place: Place) -> None:
    assert [event.data["state"] for event in place.handle("over").events()] == ["SUCCEEDED"]


def test_watching_shows_the_end(place: Place, store: Store) -> None:
    store.end("toy", 1, "STOPPED", "a person said so")
    text = place("watch", "toy").stdout
    assert "STOPPED" in text
    assert text.endswith("a person said so\n")


def test_tokens_are_made_listed_and_revoked(place: Place, store: Store) -> None:
    secret = place("token", "create", "zoe", "--role", "viewer").stdout.strip()
    found = store.tokens.of(secret)
    assert found is not None
    assert (found.user, found.role) == ("zoe", "viewer")
    listed = place("token", "ls", "-o", "json").stdout
    assert json.loads(listed)[-1]["user"] == "zoe"
    assert secret not in listed
    assert f"token {found.id} of zoe is revoked" in place("token", "revoke", str(found.id)).stdout
    assert store.tokens.of(secret) is None
    assert "there is no token 99; see: sieve token ls" in place("token", "revoke", "99", code=2).stderr


def test_quotas_are_set_listed_and_removed(place: Place, store: Store) -> None:
    assert "no quotas yet" in place("quota", "ls").stdout
    said = place("quota", "set", "ann", "--gpu-hours", "2.5").stdout
    assert said == "ann may have any number of sweeps at once, 2.5 GPU hours in all\n"
    place("quota", "set", "*", "--running", "2")
    assert place("quota", "ls").stdout.split()[:4] == ["owner", "running", "gpu_hours", "gpu_hours_used"]
    listed = json.loads(place("quota", "ls", "-o", "json").stdout)
    assert [(row["owner"], row["running"], row["gpu_hours"]) for row in listed] == [("*", 2, None), ("ann", None, 2.5)]
    assert listed[0]["gpu_hours_used"] is None
    assert listed[1]["gpu_hours_used"] >= 0
    place("quota", "rm", "ann")
    assert store.quotas.get("ann").running == 2
    assert "no limit is given for ann; give --running" in place("quota", "set", "ann", code=2).stderr


def test_what_a_cluster_has_room_for_is_said_of_that_of_the_service(address: str, store: Store, app: FastAPI) -> None:
    there = remote(address)
    assert "this service knows no cluster" in there("cluster", "info", code=1).stderr
    node = Node("3f", "gpu-node", {"CPU": 8.0, "GPU": 4.0}, alive=True, used={"CPU": 2.0, "GPU": 1.0})
    app.state.settings.inventory = lambda: [node]
    [shown] = json.loads(there("cluster", "info", "-o", "json").stdout)
    assert (shown["node"], shown["GPUs"], shown["GPUs free"]) == ("gpu-node", 4.0, 3.0)
    refused = there("cluster", "info", "--fits", "gpu=8", code=1).stdout
    assert "gpu=8 can never be placed: asks 8 GPUs on one node; largest node has 4 GPUs" in refused
    assert "gpu=4,cpu=8 could be placed" in there("cluster", "info", "--fits", "gpu=4,cpu=8").stdout


def test_what_a_sweep_waits_for_is_its_reason_wherever_one_looks(place: Place, store: Store) -> None:
    reason = "waits for room: the 1 sweep before it has it all"
    store.share({"waiting": (None, reason)})
    assert reason in place("ls").stdout
    assert place("status", "waiting").stdout.count(reason) == 1
    frame = place.source.sweeps_frame().set_index("sweep")
    assert frame.loc["waiting", "why"] == place.handle("waiting").status.why == reason
    place("pause", "waiting")
    assert reason not in place("ls").stdout


CHANGE = {"parameter": "lr", "from": {"uniform": [0, 1]}, "to": {"uniform": [0, 0.5]}, "reason": "so"}


def test_a_narrowing_is_taken_back(place: Place, store: Store) -> None:
    space = SpaceRecord(1, {"lr": CHANGE["to"]}, [CHANGE], 9.0)
    store.append("toy", 1, Batch(spaces=[space]))
    assert "the narrowing for round 1 is undone" in place("space", "toy", "--undo").stderr
    assert store.spaces("toy")[0].undone
    assert (
        "toy has no narrowing to undo; see its spaces: sieve space toy"
        in place("space", "toy", "--undo", code=2).stderr
    )


def test_what_a_head_in_the_background_printed_is_its_log(both: Both, store: Store) -> None:
    here, _ = both
    assert "over has no log: its head on this machine wrote to the terminal" in here("logs", "over", code=2).stderr
    log = log_file(here.source.home, "toy")
    log.parent.mkdir()
    log.write_bytes(b"one\ntwo \xff\nhal")
    assert here("logs", "toy").stdout == "one\ntwo \ufffd\nhal\n"

    def happen() -> None:
        time.sleep(0.7)
        with log.open("a") as more:
            more.write("f\nlast\n")
        store.end("toy", 1, "STOPPED", "")

    writer = threading.Thread(target=happen)
    writer.start()
    assert here("logs", "toy", "--follow").stdout == "one\ntwo \ufffd\nhalf\nlast\n"
    writer.join()
    here("rm", "toy", "--yes")
    assert not log.exists()
