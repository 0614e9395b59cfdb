"""Heads behind a service: who may ask for what, and what becomes of them while it is away."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.ledger.ledger import Orders
from service.ledger.over_http.client import Away, HttpLedger, enroll, head_url
from service.ledger.over_http.spool import Spool
from service.ledger.records import Batch, TrialRecord
from service.ledger.store.store import LostClaim, Store
from tests.contract.ledger.service import Service
from tests.contract.ledger.test_ledger import report

TRIAL = TrialRecord(1, {"x": 0.5}, "RUNNING")


@pytest.fixture
def service(claimed: Store) -> Iterator[Service]:
    service = Service(claimed)
    yield service
    service.down()


@pytest.fixture
def remote(service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HttpLedger]:
    monkeypatch.setattr("service.ledger.over_http.client.PAUSES", (0.01,))
    token = enroll(service.address, "a", 1, service.launch("a", 1))
    remote = HttpLedger(service.address, "a", 1, token, Spool(tmp_path / "spool"), patience=5.0)
    yield remote
    remote.close()


def epochs(store: Store) -> list[int]:
    return [known.epoch for known in store.reports("a")]


def test_a_ticket_is_good_once_and_a_token_for_its_own_sweep_alone(service: Service) -> None:
    ticket = service.launch("a", 1)
    with pytest.raises(LostClaim, match="ticket"):
        enroll(service.address, "a", 1, "guessed")
    with pytest.raises(LostClaim, match="ticket"):
        enroll(service.address, "a", 2, ticket)
    token = enroll(service.address, "a", 1, ticket)
    with pytest.raises(LostClaim, match="used"):
        enroll(service.address, "a", 1, ticket)
    kept = service.store.heads.of("a")
    assert kept is not None
    assert token not in str(kept)
    assert ticket not in str(kept)
    for body in (b"{}", b"[]", b"no JSON"):
        assert httpx.post(f"{head_url(service.address, 'a', 1)}enroll", content=body).status_code == 422
    service.store.create("b", service.store.sweep("a").spec, "/", "bob", None)
    for name, attempt, key in (("b", 0, token), ("b", 1, token), ("a", 2, token), ("a", 1, "-")):
        answer = httpx.get(
            f"{head_url(service.address, name, attempt)}ledger?part=sweep", headers={"Authorization": f"Bearer {key}"}
        )
        assert (answer.status_code, answer.json()["type"]) == (401, "LostClaim")


def test_a_service_that_goes_away_fails_nothing_and_hears_all_in_order(service: Service, remote: HttpLedger) -> None:
    remote.append("a", 1, Batch([TRIAL], [report(1, 0.1)]))
    service.store.share({"a": (3, "")})
    assert remote.beat("a", 1, "RUNNING") == Orders(None, 3)
    service.down()
    remote.append("a", 1, Batch([TRIAL], [report(3, 0.3)]))
    remote.append("a", 1, Batch([TRIAL], [report(2, 0.2)]))
    assert remote.beat("a", 1) == Orders(None, 3)
    with pytest.raises(Away):
        HttpLedger(service.address, "a", 1, "", Spool(Path("/nowhere")), patience=0.0).trials("a")
    service.up()
    assert [known.epoch for known in remote.reports("a")] == [1, 3, 2]  # reading waits until all is told
    remote.append("a", 1, Batch([TRIAL], [report(4, 0.4)]))
    assert epochs(service.store) == [1, 3, 2, 4]


def test_an_end_waits_for_the_service_and_is_the_last_thing_said(service: Service, remote: HttpLedger) -> None:
    remote.beat("a", 1, "RUNNING")
    service.down()
    remote.append("a", 1, Batch([TRIAL], [report(1, 0.1)]))
    later = threading.Timer(0.3, service.up)
    later.start()
    remote.end("a", 1, "SUCCEEDED", "done")
    later.join()
    assert service.store.sweep("a").state == "SUCCEEDED"
    assert epochs(service.store) == [1]
    remote._spool.put("end", b'{"state":"SUCCEEDED","why":"done"}')  # as if the answer had been lost
    assert remote._deliver()


def test_a_head_that_lost_its_sweep_while_the_service_was_away_hears_so(service: Service, remote: HttpLedger) -> None:
    service.down()
    remote.append("a", 1, Batch([TRIAL], [report(1, 0.1)]))
    service.store.claim("a", "another", lambda _: False)
    service.up()
    with pytest.raises(LostClaim):
        remote.beat("a", 1)
    assert epochs(service.store) == []


pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

KILLED = """
import sys, time
from service.ledger.over_http.client import HttpLedger
from service.ledger.records import Batch
from service.ledger.over_http.spool import Spool
from pathlib import Path
from tests.contract.ledger.test_over_http import TRIAL, report
address, spool = sys.argv[1:]
head = HttpLedger(address, "a", 1, "token", Spool(Path(spool)))
for epoch in (1, 2, 3):
    head.append("a", 1, Batch([TRIAL], [report(epoch, 0.5)]))
print("kept", flush=True)
time.sleep(60)
"""


def test_what_a_killed_head_could_not_say_is_said_by_the_next_one(
    service: Service, remote: HttpLedger, tmp_path: Path
) -> None:
    left = Spool(tmp_path / "left")
    service.down()
    command = [sys.executable, "-c", KILLED, service.address, str(left.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as head:
        assert head.stdout is not None
        assert head.stdout.readline() == "kept\n"
        head.send_signal(signal.SIGKILL)
    assert len(left) == 3
    service.up()
    second = service.store.claim("a", "another", lambda _: False)
    token = enroll(service.address, "a", second.attempt, service.launch("a", second.attempt))
    heir = HttpLedger(service.address, "a", second.attempt, token, Spool(tmp_path / "own"))
    heir.inherit(left)
    heir.close()
    assert epochs(service.store) == [1, 2, 3]
    assert len(left) == 0
