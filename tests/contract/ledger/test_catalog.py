"""How sweeps are found and listed, and what odd names and values do."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy.exc import StatementError

from service.ledger.records import Batch, QuotaRecord, SweepRecord, TrialRecord
from service.ledger.results.results import Results
from service.ledger.store.heads import HeadRecord
from service.ledger.store.store import AlreadyRunning, KeyInUse, LostClaim, NameInUse, Store, UnknownSweep
from service.spec.errors import UserError
from tests.contract.ledger.conftest import SPEC

ODD = [
    "'; drop table sweeps; --",
    'a"; delete from trials',
    "%s %(x)s :x ? $1 {}",
    "a\0b",
    "\ud800",
    "ü" * 500,
    "",
    "\\",
]


def new(name: str, **more: object) -> SweepRecord:
    return replace(SweepRecord(name, SPEC, "/project", "ada", "QUEUED", 1.0), **more)


def test_pages_are_newest_first(store: Store) -> None:
    for i in range(5):
        store.add(new(f"s{i}", owner="bob" if i % 2 else "ada", diff="long"))
    store.claim("s4", "head", lambda _: False)
    assert [sweep.name for sweep in store.page(limit=2)] == ["s4", "s3"]
    assert [sweep.name for sweep in store.page(limit=2, before="s3")] == ["s2", "s1"]
    assert [sweep.name for sweep in store.page(before="s0")] == []
    assert [sweep.name for sweep in store.page(state="QUEUED", owner="ada")] == ["s2", "s0"]
    assert store.page(limit=1, before="s4") == [replace(store.sweep("s3"), diff=None)]
    with pytest.raises(UnknownSweep):
        store.page(before="s9")
    with pytest.raises(UserError, match="did you mean 'QUEUED'"):
        store.page(state="queue")
    with pytest.raises(UserError, match="ask for 1"):
        store.page(limit=0)


def test_trials_are_counted_by_state(claimed: Store) -> None:
    claimed.append("a", 1, Batch([TrialRecord(i, {}, "RUNNING" if i else "FINISHED") for i in range(4)]))
    claimed.add(new("b"))
    assert claimed.counts(["a", "b", "gone"]) == {"a": {"FINISHED": 1, "RUNNING": 3}, "b": {}}
    assert claimed.counts() == claimed.counts(["a", "b"])
    assert claimed.counts([]) == {}
    assert claimed.counts([f"s{i}" for i in range(2000)]) == {}


def test_a_key_names_one_submission_of_its_owner(store: Store) -> None:
    store.add(new("a", key="k"))
    store.add(new("b", key="k", owner="bob"))
    store.add(new("c"))
    store.add(new("d"))
    with pytest.raises(KeyInUse, match="the key 'k' was used for the sweep 'a'") as caught:
        store.add(new("e", key="k"))
    assert caught.value.sweep == "a"
    assert store.keyed("ada", "k") == store.sweep("a")
    assert store.keyed("eve", "k") is None
    with pytest.raises(NameInUse):
        store.add(new("a", created=2.0))


def test_of_one_submission_many_times_at_once_one_is_made(store: Store) -> None:
    def submit(i: int) -> bool:
        try:
            store.add(new(f"s{i}", key="k", created=float(i)))
        except KeyInUse:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(submit, range(6))) == 1
    assert len(store.sweeps()) == 1


def test_a_submission_that_was_written_already_is_no_other(store: Store) -> None:
    assert store.add(new("a", key="k")) == store.add(new("a", key="k"))


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_are_names(claimed: Store, odd: str) -> None:
    for look in (claimed.sweep, claimed.trials, lambda name: claimed.wish(name, "stop"), claimed.withdraw):
        with pytest.raises(UnknownSweep):
            look(odd)
    with pytest.raises(UnknownSweep):
        claimed.page(before=odd)
    assert (claimed.page(owner=odd), claimed.counts([odd]), claimed.next("head", [odd])) == ([], {}, None)
    assert (claimed.heads.of(odd), claimed.heads.by_token(odd), claimed.keyed(odd, odd)) == (None, None, None)
    claimed.share({odd: (1, odd)})
    claimed.heads.gone(odd, 1)
    claimed.append("a", 1, Batch([TrialRecord(1, {odd: odd}, "RUNNING", why=odd, error=odd)]))
    [trial] = claimed.trials("a")
    assert trial.config == {odd: odd}
    assert trial.error == odd.replace("\0", "\ufffd").replace("\ud800", "\ufffd")
    assert [sweep.name for sweep in claimed.sweeps()] == ["a"]


def test_odd_owners_and_quotas(store: Store) -> None:
    for i, odd in enumerate(ODD):
        store.add(new(f"s{i}", owner=odd))
        store.quotas.set(odd, running=i)
    assert len(store.usage()) == len(store.quotas.ls()) == len(ODD)
    assert [store.quotas.get(odd).running for odd in ODD] == [*range(len(ODD))]


def test_quotas(store: Store) -> None:
    assert store.quotas.get("ada") == QuotaRecord("ada")
    store.quotas.set("*", running=2)
    assert store.quotas.set("ada", gpu_hours=1.5) == store.quotas.get("ada") == QuotaRecord("ada", None, 1.5)
    assert store.quotas.get("bob") == QuotaRecord("bob", 2)
    store.quotas.set("ada", running=3)
    assert store.quotas.ls() == [QuotaRecord("*", 2), QuotaRecord("ada", 3)]
    store.quotas.remove("ada")
    assert store.quotas.get("ada") == QuotaRecord("ada", 2)
    for wrong in ({"running": -1}, {"running": 2**40}, {"gpu_hours": -0.5}, {"gpu_hours": math.nan}):
        with pytest.raises(UserError, match="no limit"):
            store.quotas.set("ada", **wrong)


def test_usage_is_summed_by_owner(claimed: Store) -> None:
    claimed.append("a", 1, Batch([TrialRecord(i, {}, "RUNNING", gpu_seconds=1.5) for i in range(2)]))
    claimed.add(new("b"))
    claimed.add(new("c", owner="bob"))
    claimed.add(new("d", owner="eve", simulated=True))
    assert claimed.usage() == {"ada": 3.0, "bob": 0.0}


def test_one_head_is_launched_for_an_attempt_and_enrolls_once(claimed: Store) -> None:
    heads = claimed.heads
    assert heads.of("a") is None
    heads.launched("a", 1, None, "ticket")
    assert heads.of("a") == HeadRecord("a", 1, None, False)
    assert not heads.enroll("a", 1, "other ticket", "token")
    assert not heads.enroll("a", 2, "ticket", "token")
    assert not heads.enroll("b", 1, "ticket", "token")
    assert heads.enroll("a", 1, "ticket", "token")
    assert not heads.enroll("a", 1, "ticket", "another token")
    heads.launched("a", 1, "job-7", "ticket")
    assert (heads.of("a"), heads.by_token("token")) == (HeadRecord("a", 1, "job-7", True), ("a", 1))
    assert heads.by_token("ticket") is None
    with pytest.raises(AlreadyRunning):
        heads.launched("a", 1, "job-8", "second ticket")
    with pytest.raises(LostClaim):
        heads.launched("a", 2, "job-9", "ticket")


def test_the_head_of_the_next_attempt_takes_the_place(claimed: Store) -> None:
    heads = claimed.heads
    heads.launched("a", 1, "job-1", "ticket 1")
    claimed.reclaim("a", 1, "daemon")
    assert not heads.enroll("a", 1, "ticket 1", "token 1"), "its attempt is over"
    heads.gone("a", 2)
    assert heads.of("a") is not None
    heads.launched("a", 2, "job-2", "ticket 2")
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda i: heads.enroll("a", 2, "ticket 2", f"token {i}"), range(6))) == 1
    heads.gone("a", 1)
    assert heads.of("a") == HeadRecord("a", 2, "job-2", True)
    heads.gone("a", 2)
    assert heads.of("a") is None
    heads.launched("a", 2, "job-3", "ticket 3")
    claimed.remove("a", lambda _: False)
    assert heads.of("a") is None


def test_listings_are_the_same_as_one_by_one(claimed: Store) -> None:
    claimed.append("a", 1, Batch([TrialRecord(1, {}, "FINISHED"), TrialRecord(2, {}, "PAUSED")]))
    claimed.add(new("b"))
    rows = Results(claimed).sweep_rows()
    assert [(row["sweep"], row["trials"], row["finished_trials"]) for row in rows] == [("a", 2, 1), ("b", 0, 0)]


def test_a_word_that_is_no_state_comes_neither_into_the_database_nor_into_a_question(store: Store) -> None:
    with pytest.raises(StatementError, match="'PUASED' is none of QUEUED, STARTING"):
        store.sweeps(["PUASED"])
    with pytest.raises(StatementError, match="'PUASED' is none of QUEUED, STARTING"):
        store.add(SweepRecord("a", {}, "/project", "ada", "PUASED", 0.0))
