"""A head that starts over from its ledger: its policy goes on as the old one would have, and sees the same table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.engine.head.replay import History, rebuild, remember
from service.engine.head.trial_log import TrialLog
from service.engine.state.trial_progress import BEGUN
from service.ledger.home import open_store
from service.ledger.records import Batch, DecisionRecord, ReportRecord, TrialRecord
from service.policy.observation import Observation
from service.policy.policy import Policy
from service.policy.schedule import SCHEDULERS
from service.policy.worth.controls import OPENING, Controls
from service.spec import Spec, load
from tests.contract.policy.play import Event, Play, seconds

VERDICTS = ("continue", "pause", "stop", "finish")
KINDS = {"dismiss": "stop", "halt": "stop", "promote": "promote"} | {kind: kind for kind in VERDICTS}


def spec_of(algorithm: str, factor: float = 3) -> Spec:
    """A sweep whose first stage makes 8 optimizer steps, so that with a large factor its rung has one of its own."""
    return load(
        {
            "name": "a",
            "task": "toy:curve",
            "metric": {"name": "score", "goal": "maximize"},
            "parameters": {"x": {"uniform": [0, 1]}},
            "stages": [{"data": 0.1, "epochs": 1}, {"data": 0.5, "epochs": 2}, {"data": 1.0, "epochs": 3}],
            "search": {"algorithm": "hyperopt", "trials": 40},
            "schedule": {"algorithm": algorithm, "reduction_factor": factor},
            "facts": {"examples": 10_000, "validation": 100},
        }
    )


def value(trial: int, stage: int) -> float:
    return (trial * 7919 % 101) + stage / 10


def recorded(spec: Spec, play: Play, home: Path) -> TrialLog:
    """The play as a head records it, and the trial log of the next head."""
    store = open_store(home, create=True)
    store.create("a", spec.to_dict(), "/", "me", None)
    attempt = store.claim("a", "head", lambda _: False).attempt
    trials = [TrialRecord(t.trial, dict(t.config), t.state) for t in play.trials.values()]
    reports = [report_of(spec, event) for event in play.log if event.kind in (*VERDICTS, "report", "halt")]
    begun, decisions = 0, []
    for event in play.log:
        begun += event.kind == "begin"
        if event.kind in KINDS:
            numbers = {**(event.numbers or {}), **({BEGUN: begun} if event.kind in VERDICTS else {})}
            decisions.append(DecisionRecord(event.trial, event.stage, KINDS[event.kind], event.reason, numbers, 0.0))
    store.append("a", attempt, Batch(trials, reports, decisions))
    return TrialLog(store, "a", attempt)


def report_of(spec: Spec, event: Event) -> ReportRecord:
    plan, stage, done = spec.plan, event.stage, event.done
    metrics, epochs = {"score": event.value or 0.0}, plan[stage].epochs
    took = seconds(event.trial, stage) if done == epochs else 0.0
    budget, epoch = plan.budget(stage, done), plan.first_epoch(stage) + done
    return ReportRecord(event.trial, stage, epoch, 1.0, budget, metrics, 0.0, done == epochs, took)


def rows(table: list[Observation]) -> list[Observation]:
    return [replace(row, seconds={}) for row in table]


@pytest.mark.parametrize("algorithm", sorted(SCHEDULERS))
@pytest.mark.parametrize(("workers", "failures", "factor"), [(1, 0.1, 3), (4, 0.1, 3), (4, 0.1, 6)])
def test_a_new_head_goes_on_as_the_old_one(
    algorithm: str, workers: int, failures: float, factor: float, tmp_path: Path
) -> None:
    spec = spec_of(algorithm, factor)
    whole = Play(spec, value, 0, workers, failures).run()
    for cut in (40, len(whole.log) * 2 // 3):
        play = Play(spec, value, 0, workers, failures).run(cut)
        trial_log = recorded(spec, play, tmp_path / str(cut))
        policy = Policy(spec)
        store = open_store(tmp_path / str(cut))
        history = History(store.reports("a"), store.decisions("a"))
        remember(trial_log, spec, history)
        rebuild(policy, trial_log, spec, history, before=0)
        assert rows(trial_log.table()) == list(play.trials.values())
        play.policy = policy
        play._dismiss([ruling for ruling in policy.dismissals() if play.trials[ruling.trial].state == "PAUSED"])
        assert play.run().log == whole.log


class Listener(Policy):
    """A policy that only notes what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[str, int, int]] = []

    def begin(self, trial: int) -> None:
        self.shown.append(("begin", trial, -1))

    def judge(self, trial: int, stage: int, value: float | None, seconds: float) -> Any:
        self.shown.append(("judge", trial, stage))

    def watch(self, trial: int, stage: int, done: int, value: float | None) -> Any:
        self.shown.append(("watch", trial, stage))

    def paused(self, trial: int, stage: int) -> None:
        """What was noted as judged tells enough."""

    def promoted(self, trial: int, stage: int) -> None:
        self.shown.append(("promoted", trial, stage))

    def drop(self, trial: int) -> None:
        self.shown.append(("drop", trial, -1))


SHOWN = {"begin": "begin", "report": "watch", "halt": "watch", "promote": "promoted"} | dict.fromkeys(VERDICTS, "judge")


def test_everything_is_shown_in_the_old_order(tmp_path: Path) -> None:
    spec = spec_of("promote")
    play = Play(spec, value, workers=4, failures=0.1).run(150)
    trial_log, listener = recorded(spec, play, tmp_path), Listener()
    store = open_store(tmp_path)
    history = History(store.reports("a"), store.decisions("a"))
    remember(trial_log, spec, history)
    rebuild(listener, trial_log, spec, history, before=0)
    happened = [(SHOWN[event.kind], event.trial, event.stage) for event in play.log if event.kind in SHOWN]
    lost = [("drop", number, -1) for number, state in play.states().items() if state in ("STOPPED", "FAILED")]
    assert lost
    assert listener.shown[-len(lost) :] == lost
    for trial in play.trials:
        own = [entry for entry in listener.shown[: -len(lost)] if entry[1] == trial]
        assert own == [entry for entry in happened if entry[1] == trial]
    for kinds in (("begin",), ("judge", "promoted"), ("judge", "watch")):
        shown = [entry for entry in listener.shown if entry[0] in kinds]
        assert shown == [entry for entry in happened if entry[0] in kinds]


def test_the_table_makes_only_those_rows_anew_that_changed(tmp_path: Path) -> None:
    spec = spec_of("promote")
    trial_log = recorded(spec, Play(spec, value).run(60), tmp_path)
    before = trial_log.table()
    assert all(old is new for old, new in zip(before, trial_log.table(), strict=True))
    number = before[3].trial
    trial_log.remember(report_of(spec, Event("finish", number, 2, 0.75, done=3)), spec.metric, 3)
    trial_log.record(TrialRecord(len(before) + 1, {"x": 0.5}, "PENDING"))
    after = trial_log.table()
    assert [old is new for old, new in zip(before, after, strict=False)] == [row.trial != number for row in before]
    assert after[3].values[2] == 0.75
    assert after[3].seconds[2] == seconds(number, 2)
    assert [row.trial for row in after] == list(range(1, len(before) + 2))


def test_who_waits_goes_on_waiting_in_a_sweep_that_was_made_so_long_that_it_has_controls(tmp_path: Path) -> None:
    """The first trials of a long sweep climb every stage; those of a short one that is extended later did not."""
    short = spec_of("promote")
    spec = load(short.to_dict() | {"search": short.to_dict()["search"] | {"trials": 4000}})
    assert (Controls.of(short).opening, Controls.of(spec).opening) == (0, OPENING)
    play = Play(short, value, workers=4, failures=0.0).run(8)
    waiting = [number for number, state in play.states().items() if state == "PAUSED"]
    assert waiting
    trial_log = recorded(short, play, tmp_path)
    store = open_store(tmp_path)
    history = History(store.reports("a"), store.decisions("a"))
    remember(trial_log, spec, history)
    policy = Policy(spec)
    rebuild(policy, trial_log, spec, history, before=0)
    dismissed = {ruling.trial for ruling in policy.dismissals(over=True)}
    assert set(waiting) <= dismissed, "nobody is forgotten at its rung"
