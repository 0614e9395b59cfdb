"""What a daemon does in one step after another."""

from __future__ import annotations

import threading

import pytest

from cluster.errors import ClusterError
from service.ledger.records import Batch, ReportRecord, TrialRecord
from service.ledger.store.store import LostClaim
from service.spec.errors import UserError
from tests.unit.engine.daemon.conftest import Bench


def test_a_queued_sweep_gets_its_head_and_its_share(bench: Bench) -> None:
    bench.submit("a")
    assert bench.step()
    launch = bench.heads.launched["sieve-a-1"]
    assert (launch.owner, launch.address, launch.attempt) == ("ada", "http://service", 1)
    assert (bench.of("a").state, bench.of("a").slots, bench.of("a").waits) == ("STARTING", 8, "")
    head = bench.store.heads.of("a")
    assert head is not None
    assert head.launch == "sieve-a-1"
    bench.head("a")
    bench.step(1)
    assert bench.states() == {"a": "RUNNING"}
    assert len(bench.heads.launched) == 1


def test_the_cluster_is_shared_by_weight_and_each_is_told_why(bench: Bench) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.submit("b", owner="bob", weight=3.0)
    bench.step(1)
    assert (bench.of("a").slots, bench.of("b").slots) == (2, 6)
    assert bench.of("a").waits == "waiting: 2 of 8 GPUs are yours at weight 1; 2 trials of 8 may run"
    bench.head("a")
    bench.head("b", wanted=1)
    bench.step(1)
    assert (bench.of("a").slots, bench.of("b").slots, bench.of("a").waits[:10]) == (7, 1, "waiting: 7")


def test_the_queue_goes_by_priority_then_age_and_says_what_each_waits_for(bench: Bench) -> None:
    bench.daemon = bench.another(sweeps=2)
    for name, priority in (("first", 0), ("second", 0), ("urgent", 5), ("huge", 9)):
        asks = {"gpu": 8 if name == "huge" else 1, "workers": 1, "max_concurrent": 2}
        bench.submit(name, priority=priority, resources=asks)
    bench.step()
    assert bench.states() == {"first": "STARTING", "second": "QUEUED", "urgent": "STARTING", "huge": "QUEUED"}
    assert bench.of("second").waits == "waits for a free place: 2 sweeps run, at most 2"
    assert bench.of("huge").waits == "asks 8 GPUs on one node; largest node has 4"


def test_owners_run_as_many_sweeps_as_their_quota_says(bench: Bench) -> None:
    bench.store.quotas.set("ada", running=1)
    for name, owner in (("a", "ada"), ("b", "ada"), ("c", "bob")):
        bench.submit(name, owner=owner)
    bench.step()
    assert bench.states() == {"a": "STARTING", "b": "QUEUED", "c": "STARTING"}
    assert bench.of("b").waits == "ada has 1 sweep running, at most 1"


def test_used_up_gpu_hours_hold_trials_back(bench: Bench) -> None:
    bench.store.quotas.set("*", gpu_hours=1.0)
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.store.append("a", 1, Batch([TrialRecord(1, {}, "RUNNING", gpu_seconds=7200.0)]))
    bench.step(1)
    assert (bench.of("a").slots, bench.of("a").waits) == (0, "ada has used 2 of 1 GPU hours")


def test_wishes_of_sweeps_without_a_head_are_done_at_once(bench: Bench) -> None:
    bench.gpus = []
    for name in ("paused", "stopped", "cancelled"):
        bench.submit(name)
        bench.store.wish(name, {"paused": "pause", "stopped": "stop", "cancelled": "cancel"}[name])
    bench.step()
    assert bench.states() == {"paused": "PAUSED", "stopped": "STOPPED", "cancelled": "CANCELLED"}
    assert bench.of("paused").why == "paused as wished"
    bench.store.wish("paused", "cancel")
    bench.step()
    assert (bench.of("paused").state, bench.of("paused").wish) == ("CANCELLED", None)


def test_a_dead_head_is_taken_over_by_the_next_attempt(bench: Bench) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.step(1)
    bench.heads.lives["sieve-a-1"] = False
    bench.step(4)
    assert list(bench.heads.launched) == ["sieve-a-1"]  # it may only be slow
    bench.step(2)
    assert list(bench.heads.launched) == ["sieve-a-1", "sieve-a-2"]
    assert (bench.of("a").state, bench.of("a").attempt) == ("STARTING", 2)
    with pytest.raises(LostClaim):
        bench.store.append("a", 1, Batch())


def test_who_cannot_be_asked_gets_more_time_and_who_lives_the_most(bench: Bench) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.heads.lives["sieve-a-1"] = None
    bench.step(100)
    assert len(bench.heads.launched) == 1
    bench.heads.lives["sieve-a-1"] = True
    bench.step(100)
    assert len(bench.heads.launched) == 1
    bench.step(500)
    assert bench.heads.stopped == ["sieve-a-1"]
    assert len(bench.heads.launched) == 2


@pytest.mark.parametrize(("wish", "state"), [("pause", "PAUSED"), ("stop", "STOPPED")])
def test_a_head_that_is_heard_of_and_does_nothing_is_stopped_in_the_end(bench: Bench, wish: str, state: str) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    assert bench.store.displace("a", 1, "b", "made room for b", {})
    bench.step(1)
    bench.store.wish("a", wish)
    for _ in range(61):
        bench.step(10)
        bench.store.beat("a", 1)
    assert bench.heads.stopped == []
    bench.step(1)
    assert bench.heads.stopped == ["sieve-a-1"]
    assert bench.states() == {"a": state}


def test_who_cannot_be_asked_for_long_is_told_to_end_in_case_it_lives(bench: Bench) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.heads.lives["sieve-a-1"] = None
    bench.step(140)
    assert bench.heads.stopped == ["sieve-a-1"]
    assert list(bench.heads.launched) == ["sieve-a-1", "sieve-a-2"]


def test_dead_nodes_are_not_shared_out_and_the_cluster_is_not_asked_all_the_time(bench: Bench) -> None:
    bench.daemon, bench.dead = bench.another(look=5.0), (1,)
    bench.submit("a")
    for _ in range(10):
        bench.step(1)
    assert bench.of("a").slots == 4
    assert bench.asked == 2


def test_a_new_daemon_gives_heads_time_to_be_heard_of(bench: Bench) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.heads.lives["sieve-a-1"] = False
    bench.now += 3600
    bench.restart()
    bench.step()
    assert len(bench.heads.launched) == 1
    bench.step(25)
    assert len(bench.heads.launched) == 2


def test_heads_that_crash_again_and_again_fail_the_sweep_with_their_last_words(bench: Bench) -> None:
    bench.submit("a")
    bench.step()
    for attempt in (1, 2, 3):
        assert bench.of("a").attempt == attempt
        bench.heads.lives[f"sieve-a-{attempt}"] = False
        bench.step(20)
    assert bench.states() == {"a": "FAILED"}
    assert bench.of("a").why == (
        "3 heads in a row ended before any report, the last one with: RuntimeError: no such luck; "
        "mend the cause and resume it"
    )
    assert len(bench.heads.launched) == 3


def test_heads_that_got_somewhere_may_crash_more_often(bench: Bench) -> None:
    bench.submit("a")
    bench.step()
    for attempt in range(1, 6):
        report = ReportRecord(1, 0, attempt, 1.0, 1.0, {"score": 0.5}, 1.0, False, 0.2)
        bench.store.append("a", attempt, Batch([TrialRecord(1, {}, "RUNNING")], [report]))
        bench.heads.lives[f"sieve-a-{attempt}"] = False
        bench.step(20)
    assert (bench.of("a").state, bench.of("a").attempt) == ("STARTING", 6)


def test_a_launch_that_fails_waits_longer_each_time_and_says_why(bench: Bench) -> None:
    bench.heads.broken = True
    bench.submit("a")
    bench.step()
    assert (bench.of("a").state, bench.of("a").why) == ("QUEUED", "could not start: the dashboard is away")
    bench.step(1)
    assert bench.of("a").waits == "could not start: the dashboard is away; next try in 4 s"
    assert bench.of("a").attempt == 1
    bench.step(5)
    assert bench.of("a").attempt == 2
    bench.step(6)
    assert bench.of("a").attempt == 2  # twice as long
    bench.heads.broken = False
    bench.step(6)
    assert (bench.of("a").state, bench.of("a").attempt, bench.of("a").waits) == ("STARTING", 3, "")


def test_a_head_that_does_not_cancel_is_stopped(bench: Bench) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.store.append("a", 1, Batch([TrialRecord(1, {}, "RUNNING")]))
    bench.store.wish("a", "cancel")
    bench.step(1)
    bench.head("a")
    bench.step(20)
    assert bench.heads.stopped == []
    bench.heads.broken = True
    bench.step(15)
    assert bench.states() == {"a": "RUNNING"}  # it could not be stopped yet
    bench.heads.broken = False
    bench.step(1)
    assert bench.heads.stopped == ["sieve-a-1"]
    assert bench.states() == {"a": "CANCELLED"}
    assert {trial.state for trial in bench.store.trials("a")} == {"CANCELLED"}


@pytest.mark.parametrize(("wish", "state"), [("pause", "PAUSED"), ("stop", "STOPPED")])
def test_a_lost_head_that_was_to_end_is_not_replaced(bench: Bench, wish: str, state: str) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.store.wish("a", wish)
    bench.heads.lives["sieve-a-1"] = False
    bench.step(30)
    assert bench.states() == {"a": state}
    assert len(bench.heads.launched) == 1


@pytest.mark.parametrize("error", [ClusterError("nobody is there"), UserError("nobody is there")], ids=repr)
def test_while_the_cluster_is_away_nothing_starts_and_nothing_is_taken(bench: Bench, error: Exception) -> None:
    bench.submit("a")
    bench.step()
    bench.head("a")
    bench.submit("b")
    bench.away = error
    bench.step(1)
    assert bench.of("a").slots == 8
    assert bench.of("b").waits == bench.daemon.ailing == "the cluster does not answer: nobody is there"
    bench.away = None
    bench.step(1)
    assert bench.daemon.ailing is None
    assert bench.states() == {"a": "RUNNING", "b": "STARTING"}


def test_two_daemons_start_each_sweep_once_and_the_other_goes_on_when_one_is_gone(bench: Bench) -> None:
    one, two = bench.another(lease=5.0), bench.another(lease=5.0)
    for name in ("a", "b", "c"):
        bench.submit(name)
    assert [bench.step(0, one), bench.step(0, two), bench.step(0, one)] == [True, False, True]
    assert len(bench.heads.launched) == 3
    bench.submit("d")
    stop = threading.Event()
    stop.set()
    one.run(stop)  # It ends, and gives its lease back.
    assert bench.step(0, two)
    assert len(bench.heads.launched) == 4
    assert {record.attempt for record in bench.store.sweeps()} == {1}


def test_a_daemon_killed_between_claim_and_launch_loses_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.submit("a")

    def killed(*_: object) -> str:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(bench.heads, "start", killed)
        with pytest.raises(SystemExit):
            bench.step()
    assert bench.states() == {"a": "STARTING"}
    bench.restart()
    bench.step()
    bench.step(130)
    assert list(bench.heads.launched) == ["sieve-a-2"]
    bench.head("a")
    assert bench.states() == {"a": "RUNNING"}


def test_sweeps_that_people_run_themselves_are_left_alone(bench: Bench) -> None:
    bench.submit("mine")
    bench.store.claim("mine", "host:1:0", lambda _: False)
    bench.step()
    bench.step(700)
    assert (bench.of("mine").attempt, bench.heads.launched) == (1, {})
