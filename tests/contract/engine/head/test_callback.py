"""What the recorder writes down of one event is in the ledger as a whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from service.engine.head.checkpoint_retention import Keeper
from service.engine.head.concurrency import Slots
from service.engine.head.dismissals import Departures
from service.engine.head.failure_guard import Guard
from service.engine.head.gpu_packing import Sharing
from service.engine.head.trial_log import Journal
from service.engine.head.tune.callback import Recorder
from service.engine.head.tune.scheduler import Verdicts
from service.engine.head.tune.search_alg import Proposals
from service.engine.head.tune.stopper import Course
from service.ledger.home import open_store
from service.ledger.records import Batch, DecisionRecord, TrialRecord
from service.policy.policy import Policy
from service.spec import load

GIB = 2**30


def test_what_a_stage_tells_of_memory_is_one_event_with_its_end(tmp_path: Path) -> None:
    spec = load(
        {
            "name": "a",
            "task": "toy:curve",
            "metric": {"name": "score", "goal": "maximize"},
            "parameters": {"x": {"uniform": [0, 1]}},
            "stages": [{"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 1}],
            "schedule": {"algorithm": "fifo"},
            "resources": {"gpu": "auto"},
        }
    )
    store = open_store(tmp_path, create=True)
    store.create("a", spec.to_dict(), "/", "me", None)
    attempt = store.claim("a", "head", lambda _: False).attempt
    numbers = {"gpu": 0.25, "asked": "auto", "too_little": 0.25}
    alone = DecisionRecord(1, 0, "alone", "ran out of memory", numbers, 0.0)
    store.append("a", attempt, Batch([TrialRecord(1, {"x": 0.5}, "RUNNING")], [], [alone]))

    journal, policy = Journal(store, "a", attempt), Policy(spec)
    policy.begin(1)
    sharing = Sharing(spec, {"CPU": 2.0, "GPU": 1.0}, [alone], lambda: None, lambda: None)
    course = Course(spec, journal, 0.0)
    guard = Guard(spec, journal, course, sharing, [], list)
    proposals = cast("Proposals", SimpleNamespace(sharing=sharing))
    departures = Departures(policy, journal, Keeper(spec, journal), course)
    recorder = Recorder(
        spec, journal, proposals, Verdicts(policy, journal, spec, Slots(journal, sharing)), guard, departures
    )

    def report(stage: int) -> None:
        about: dict[str, Any] = {"metrics": {"score": 0.5}, "stage_end": True, "seconds": 1.0, "done_in_stage": 1}
        memory = {"peak": 5 * GIB, "total": 16 * GIB}
        result = {"stage": stage, "epoch": stage + 1, "data": 1.0, "budget": stage + 0.5}
        about |= {"checkpoint": None, "memory": memory}
        recorder.on_trial_result(
            0, [], SimpleNamespace(config={"trial": 1}, trial_id="00001"), result | {"sieve": about}
        )

    report(0)
    assert journal.events == 1
    journal.flush()
    assert [decision.verdict for decision in store.decisions("a")] == ["alone", "learn", "continue"]
    report(1)  # It tells no more than the first.
    assert journal.events == 2
