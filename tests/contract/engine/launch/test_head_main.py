"""What a head hands in for those before it, and what a service will never take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from service.engine.launch import head_main
from service.ledger.home import spool_folder
from service.ledger.over_http import wire
from service.ledger.over_http.spool import Spool
from service.ledger.records import Batch, ReportRecord, TrialRecord
from service.ledger.store.store import DiskFull, Store
from service.spec.errors import UserError
from tests.contract.ledger.conftest import SPEC
from tests.contract.ledger.service import Service


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    store = Store(f"sqlite:///{tmp_path / 'sieve.db'}")
    store.create("a", SPEC, "/", "ada", None)
    monkeypatch.setattr(head_main, "_cluster", nullcontext)
    monkeypatch.setattr("service.engine.control.sweep.lead", lambda *_, **__: SimpleNamespace(exit_code=0))
    service = Service(store)
    yield service
    service.down()


def left(storage: Path, name: str, epoch: int, **changes: object) -> Spool:
    """A spool with a report of a trial."""
    report = ReportRecord(1, 0, epoch, 1.0, 1.0, {"score": 0.5}, 1.0, False, 0.1)
    spool = Spool(spool_folder(storage, "a") / name)
    spool.put(
        "append",
        wire.dumps(Batch([TrialRecord(**{"number": 1, "config": {}, "state": "RUNNING"} | changes)], [report])),
    )
    return spool


def begin(service: Service, storage: Path, born: str, launches: int = 1) -> None:
    """The last of so many launched heads comes."""
    for attempt in range(1, launches):
        service.store.next("daemon")
        service.store.requeue("a", attempt, "it could not be launched")
    record = service.store.next("daemon")
    assert record is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(head_main.TICKET, service.launch("a", record.attempt))
        assert head_main.attend(service.address, "a", record.attempt, storage, born) == 0


def test_what_any_head_before_could_not_hand_in_comes_in_its_order(service: Service, tmp_path: Path) -> None:
    """The one in between never came."""
    for attempt, epoch in ((10, 3), (9, 2), (1, 1)):
        left(tmp_path, f"b0a-{attempt}", epoch)
    begin(service, tmp_path, "b0a", launches=12)
    assert [report.epoch for report in service.store.reports("a")] == [1, 2, 3]
    assert not (tmp_path / "spool" / "a").exists()


def test_what_another_sweep_of_that_name_left_is_not_handed_in(service: Service, tmp_path: Path) -> None:
    spools = [left(tmp_path, f"0ld-{attempt}", attempt) for attempt in (1, 2)]
    begin(service, tmp_path, "b0a", launches=3)
    assert service.store.reports("a") == []
    assert [len(spool) for spool in spools] == [1, 1]


def test_what_the_ledger_will_never_hold_is_laid_aside(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = service.store.append

    def picky(name: str, attempt: int, batch: Batch) -> None:
        if batch.reports[0].epoch == 1:
            raise UserError("the ledger cannot hold this: integer out of range", "give a smaller number")
        append(name, attempt, batch)

    monkeypatch.setattr(service.store, "append", picky)
    spool = left(tmp_path, "b0a-1", 1)
    left(tmp_path, "b0a-1", 2)
    begin(service, tmp_path, "b0a", launches=2)
    assert [report.epoch for report in service.store.reports("a")] == [2]
    assert [path.name for path in spool.folder.iterdir()] == [".refused-0000000000-append"]


def test_what_a_full_ledger_cannot_take_now_is_kept(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DiskFull("the disk is full", "free some space")

    spool = left(tmp_path, "b0a-1", 1)
    with monkeypatch.context() as patch:
        patch.setattr(service.store, "append", full)
        with pytest.raises(DiskFull):
            begin(service, tmp_path, "b0a", launches=2)
    assert len(spool) == 1
    service.store.requeue("a", 2, "it ended")
    begin(service, tmp_path, "b0a", launches=1)
    assert [report.epoch for report in service.store.reports("a")] == [1]


def test_a_spool_that_is_full_keeps_no_half_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(tmp_path / "spool")
    spool.put("append", b"one")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("service.ledger.over_http.spool.os.fsync", full)
        with pytest.raises(DiskFull, match="No space left"):
            spool.put("append", b"two")
    assert [path.name for path in spool.folder.iterdir()] == ["0000000000-append"]
    spool.put("append", b"three")
    assert spool.first() == ("append", b"one")


def test_a_nights_messages_are_kept_and_handed_in_as_quickly_as_a_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[str] = []
    glob = Path.glob
    monkeypatch.setattr(Path, "glob", lambda path, pattern: looks.append(pattern) or glob(path, pattern))
    spool = Spool(tmp_path / "spool")
    for number in range(50):
        spool.put("append", b"%d" % number)
    again = Spool(spool.folder)
    handed = []
    while (message := again.first()) is not None:
        handed.append(int(message[1]))
        again.drop()
    assert handed == list(range(50))
    assert len(looks) == 2
