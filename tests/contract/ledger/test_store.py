"""What every store promises."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import event, text

from service.ledger.database.schema import NewerSchema
from service.ledger.ledger import Needs, Orders
from service.ledger.records import (
    Batch,
    DecisionRecord,
    PastRecord,
    PastTrial,
    ReportRecord,
    SpaceRecord,
    SweepRecord,
    TrialRecord,
    WorthRecord,
)
from service.ledger.states import IllegalTransition
from service.ledger.store.store import AlreadyRunning, DiskFull, LostClaim, NameInUse, Store, UnknownSweep
from service.spec.errors import UserError
from service.spec.states import TRIAL_NEXT
from tests.contract.ledger.conftest import SPEC

TRIAL = TrialRecord(1, {"x": 0.25, "optimizer/name": "sgd", "deep": [1, None]}, "RUNNING", origin="random")


def report(trial: int = 1, stage: int = 0, epoch: int = 1, score: float = 0.5) -> ReportRecord:
    return ReportRecord(trial, stage, epoch, 0.1, 0.1 * epoch, {"score": score}, 1.5, epoch == 2, 0.2)


def decision(trial: int = 1, stage: int = 0) -> DecisionRecord:
    return DecisionRecord(trial, stage, "continue", "rank 1 of 1", {"rank": 1, "cutoff": None}, 1.5)


def always(_: object) -> bool:
    return True


def never(_: object) -> bool:
    return False


def test_what_a_head_needs_is_known_while_it_runs(claimed: Store) -> None:
    claimed.beat("a", 1, "RUNNING", Needs(3, 8, {"CPU": 1.0, "GPU": 0.25}))
    sweep = claimed.sweep("a")
    assert (sweep.running, sweep.wanted, sweep.asks) == (3, 8, {"CPU": 1.0, "GPU": 0.25})
    claimed.beat("a", 1)
    assert claimed.sweep("a") == replace(sweep, heartbeat=claimed.sweep("a").heartbeat)
    claimed.end("a", 1, "PAUSED", "interrupted")
    sweep = claimed.sweep("a")
    assert (sweep.running, sweep.wanted, sweep.asks) == (None, None, None)


def test_what_was_written_is_read_back_equal(claimed: Store, url: str) -> None:
    batch = Batch([TRIAL], [report(), report(epoch=2)], [decision()])
    claimed.append("a", 1, batch)
    for store in (claimed, Store(url)):
        assert store.trials("a") == batch.trials
        assert store.reports("a") == batch.reports
        assert store.decisions("a") == batch.decisions


def test_a_new_sweep_waits_in_the_queue(store: Store) -> None:
    made = store.create("a", SPEC, "/project", "ada", "abc")
    assert store.sweep("a") == made
    assert (made.state, made.attempt, made.commit) == ("QUEUED", 0, "abc")


def test_a_name_is_taken_once(claimed: Store) -> None:
    with pytest.raises(NameInUse, match="'a' already"):
        claimed.create("a", SPEC, "/project", "ada", None)
    assert len(claimed.sweeps()) == 1


def test_an_unknown_name_gets_the_nearest(store: Store) -> None:
    store.create("digits", SPEC, "/project", "ada", None)
    with pytest.raises(UnknownSweep, match="did you mean 'digits'"):
        store.sweep("digit")


def test_a_claim_is_refused_while_the_head_lives(claimed: Store) -> None:
    with pytest.raises(AlreadyRunning, match="host:1:0"):
        claimed.claim("a", "host:2:0", always)
    assert claimed.sweep("a").head == "host:1:0"


def test_a_new_claim_shuts_out_the_old_head(claimed: Store) -> None:
    claimed.append("a", 1, Batch([TRIAL]))
    again = claimed.claim("a", "host:2:0", never)
    assert (again.attempt, again.state, again.head) == (2, "STARTING", "host:2:0")
    assert claimed.trials("a")[0].state == "PENDING"
    with pytest.raises(LostClaim):
        claimed.append("a", 1, Batch(reports=[report()]))
    with pytest.raises(LostClaim):
        claimed.beat("a", 1)
    with pytest.raises(LostClaim):
        claimed.end("a", 1, "SUCCEEDED", "")
    assert claimed.reports("a") == []


def test_a_wish_reaches_the_head_and_goes_with_the_claim(claimed: Store) -> None:
    assert claimed.beat("a", 1, "RUNNING") == Orders()
    claimed.wish("a", "stop")
    assert claimed.beat("a", 1, "RUNNING") == Orders("stop")
    assert claimed.claim("a", "host:2:0", never).wish is None


def test_an_unknown_wish_is_refused(claimed: Store) -> None:
    with pytest.raises(UserError, match="did you mean 'pause'"):
        claimed.wish("a", "paus")


def test_the_first_report_of_an_epoch_stands(claimed: Store) -> None:
    claimed.append("a", 1, Batch(reports=[report(score=0.5)], decisions=[decision()]))
    claimed.append("a", 1, Batch(reports=[report(score=0.9), report(epoch=2)], decisions=[decision()]))
    assert [r.metrics["score"] for r in claimed.reports("a")] == [0.5, 0.5]
    assert len(claimed.decisions("a")) == 1


def test_reports_come_back_in_the_order_they_came_in(claimed: Store) -> None:
    for trial in (3, 1, 2):
        claimed.append("a", 1, Batch(reports=[report(trial=trial)]))
    assert [r.trial for r in claimed.reports("a")] == [3, 1, 2]


@pytest.mark.parametrize("old", [*TRIAL_NEXT])
def test_trials_change_state_by_the_table_alone(claimed: Store, old: str) -> None:
    for number, new in enumerate(TRIAL_NEXT):
        claimed.append("a", 1, Batch([replace(TRIAL, number=number, state=old)]))
        if new == old or new in TRIAL_NEXT[old]:
            claimed.append("a", 1, Batch([replace(TRIAL, number=number, state=new)]))
            assert claimed.trials("a")[number].state == new
        else:
            with pytest.raises(IllegalTransition, match=f"trial {number} is {old}"):
                claimed.append("a", 1, Batch([replace(TRIAL, number=number, state=new)], [report()]))
            assert claimed.trials("a")[number].state == old
            assert claimed.reports("a") == [], "a refused batch leaves nothing"


@pytest.mark.parametrize("state", ["SUCCEEDED", "STOPPED", "FAILED", "PAUSED", "CANCELLED"])
def test_an_ended_sweep_keeps_its_reason_and_time(claimed: Store, state: str) -> None:
    claimed.beat("a", 1, "RUNNING")
    claimed.end("a", 1, state, "because")
    sweep = claimed.sweep("a")
    assert (sweep.state, sweep.why, sweep.head) == (state, "because", None)
    assert sweep.seconds > 0
    assert (sweep.finished is None) == (state == "PAUSED")


@pytest.mark.parametrize("state", ["SUCCEEDED", "STOPPED", "CANCELLED"])
def test_an_ended_sweep_cannot_be_claimed(claimed: Store, state: str) -> None:
    claimed.end("a", 1, state, "")
    with pytest.raises(IllegalTransition):
        claimed.claim("a", "host:2:0", never)


def test_extending_queues_an_ended_sweep_with_its_new_spec(claimed: Store) -> None:
    claimed.end("a", 1, "SUCCEEDED", "")
    claimed.extend("a", SPEC | {"more": True})
    assert claimed.sweep("a").state == "QUEUED"
    assert claimed.claim("a", "host:2:0", never).spec["more"] is True


def test_a_cancelled_sweep_cannot_be_extended(claimed: Store) -> None:
    claimed.end("a", 1, "CANCELLED", "")
    with pytest.raises(IllegalTransition, match="CANCELLED"):
        claimed.extend("a", SPEC | {"more": True})
    assert claimed.sweep("a").spec == SPEC


def test_removing_takes_all_that_belongs_to_it(claimed: Store) -> None:
    claimed.append("a", 1, Batch([TRIAL], [report()], [decision()]))
    with pytest.raises(AlreadyRunning):
        claimed.remove("a", always)
    claimed.remove("a", never)
    claimed.create("a", SPEC, "/project", "ada", None)
    assert (claimed.trials("a"), claimed.reports("a"), claimed.decisions("a")) == ([], [], [])


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_a_full_disk_refuses_the_whole_batch_and_the_next_one_goes_on(claimed: Store) -> None:
    engine = claimed.database.engine
    with claimed.database.read() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar_one()

    def limit(connection: object, pages: int) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: limit(connection, pages + 2))
    many = [report(trial=trial) for trial in range(2000)]
    with pytest.raises(DiskFull, match="free some space"):
        claimed.append("a", 1, Batch([TRIAL], many))
    assert claimed.reports("a") == []
    engine.dispose()
    event.listen(engine, "connect", lambda connection, _: limit(connection, 2**30))
    claimed.append("a", 1, Batch([TRIAL], many))
    assert len(claimed.reports("a")) == 2000


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_full_disk_of_the_server_refuses_the_whole_batch_and_the_next_one_goes_on(claimed: Store) -> None:
    full = "create function full_disk() returns trigger language plpgsql as"
    full += " $$ begin raise 'could not extend file' using errcode = '53100'; end $$"
    with claimed.database.write() as connection:
        connection.execute(text(full))
        connection.execute(text("create trigger fill before insert on reports execute function full_disk()"))
    with pytest.raises(DiskFull, match=r"the disk is full: the ledger .*ada:\*\*\*@.*free some space"):
        claimed.append("a", 1, Batch([TRIAL], [report()]))
    assert claimed.trials("a") == []
    with claimed.database.write() as connection:
        connection.execute(text("drop trigger fill on reports"))
    claimed.append("a", 1, Batch([TRIAL], [report()]))
    assert len(claimed.reports("a")) == 1


def test_a_newer_database_is_refused_with_the_cure(store: Store, url: str) -> None:
    with store.database.write() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    with pytest.raises(NewerSchema, match="upgrade Sieve"):
        Store(url)


def test_a_trial_may_be_paused_and_promoted_at_the_same_rung(claimed: Store) -> None:
    verdicts = ["pause", "promote", "pause"]
    claimed.append("a", 1, Batch(decisions=[replace(decision(), verdict=verdict) for verdict in verdicts]))
    assert [d.verdict for d in claimed.decisions("a")] == ["pause", "promote"]


def test_a_trial_that_waits_at_a_rung_waits_through_a_claim(claimed: Store) -> None:
    claimed.append("a", 1, Batch([replace(TRIAL, state="PAUSED", skipped=[0, 2])]))
    claimed.claim("a", "host:2:0", never)
    assert claimed.trials("a") == [replace(TRIAL, state="PAUSED", skipped=[0, 2])]


def test_a_simulated_sweep_says_so(store: Store) -> None:
    made = store.create("a", SPEC, "/project", "ada", None, simulated=True)
    assert store.sweep("a") == made
    assert made.simulated


def space(number: int, *reasons: str) -> SpaceRecord:
    about = [{"parameter": "x", "from": {"uniform": [0, 1]}, "to": {"uniform": [0, 0.5]}, "reason": r} for r in reasons]
    return SpaceRecord(number, {"x": {"uniform": [0, number]}}, about, time=float(number))


def test_spaces_and_worth_are_kept_in_order(claimed: Store, url: str) -> None:
    spaces = [space(1, "narrower"), space(2)]
    worth = [
        WorthRecord(0, 0.5, -0.25, 0.75, 12, 3.5, "keep it", 1.0),
        WorthRecord(0, None, None, None, 0, None, "", 2.0),
    ]
    claimed.append("a", 1, Batch(spaces=spaces, worth=worth))
    assert (Store(url).spaces("a"), Store(url).worth("a")) == (spaces, worth)
    claimed.remove("a", never)
    claimed.create("a", SPEC, "/project", "ada", None)
    assert (claimed.spaces("a"), claimed.worth("a")) == ([], [])


def test_what_a_sweep_learns_from_is_its_own(store: Store, url: str) -> None:
    pasts = [
        PastRecord("old", 1, [PastTrial(4, {"x": 1, "k": "a"}, "FINISHED", {0: 0.5, 2: None})]),
        PastRecord("old", 0, []),
    ]
    record = SweepRecord("a", SPEC, "/project", "ada", "QUEUED", 1.0)
    assert store.add(record, pasts) == record
    assert Store(url).pasts("a") == pasts
    store.remove("a", never)
    store.create("a", SPEC, "/project", "ada", None)
    assert store.pasts("a") == []


def test_narrowings_are_undone_newest_first_and_stay_on_record(claimed: Store) -> None:
    claimed.append("a", 1, Batch(spaces=[space(1, "narrower"), space(2, "narrower still"), space(3)]))
    undone = claimed.undo_space("a")
    assert (undone.round, undone.undone) == (2, True)
    assert [s.undone for s in claimed.spaces("a")] == [False, True, True], "what came after goes as well"
    claimed.append("a", 1, Batch(spaces=[space(4)]))
    assert claimed.undo_space("a").round == 1
    assert [s.undone for s in claimed.spaces("a")] == [True] * 4
    with pytest.raises(UserError, match="no narrowing to undo"):
        claimed.undo_space("a")


WRITER = """
import sys
from service.ledger.records import Batch, ReportRecord
from service.ledger.store.store import Store
store = Store(sys.argv[1])
for epoch in range(10**9):
    store.append("a", 1, Batch(reports=[ReportRecord(1, 0, epoch, 1.0, 1.0, {"score": 0.5}, 0.0, False, 0.1)]))
    print(epoch, flush=True)
"""


def test_what_was_acknowledged_survives_sigkill(claimed: Store, url: str) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(next(writer.stdout)) for _ in range(20)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
    kept = [r.epoch for r in claimed.reports("a")]
    assert kept[: len(acknowledged)] == acknowledged
    assert len(kept) <= len(acknowledged) + 1


CLAIMER = """
import sys
from service.ledger.store.store import AlreadyRunning, Store
store = Store(sys.argv[1])
sys.stdin.readline()
try:
    store.claim("b", sys.argv[2], lambda sweep: True)
    print("won")
except AlreadyRunning:
    print("lost")
"""


def test_of_many_claims_at_once_one_wins(store: Store, url: str) -> None:
    store.create("b", SPEC, "/project", "ada", None)
    claimers = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMER, url, f"head-{i}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for i in range(4)
    ]
    answers = []
    for claimer in claimers:
        assert claimer.stdin is not None
        claimer.stdin.write("go\n")
        claimer.stdin.flush()
    for claimer in claimers:
        answers.append(claimer.communicate()[0].strip())
    assert sorted(answers) == ["lost", "lost", "lost", "won"]
    assert store.sweep("b").attempt == 1
