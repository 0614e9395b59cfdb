"""What the recorder writes down of one event is in the ledger as a whole, or not at all."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from service.engine.head.resources.concurrency import Concurrency
from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.engine.head.trial_queue import TrialQueue
from service.engine.head.tune.callback import LedgerCallback
from service.engine.head.tune.scheduler import PolicyScheduler
from service.engine.state.dismissals import Dismissals
from service.engine.state.rounds import Round
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

    trial_log, policy = TrialLog(store, "a", attempt), Policy(spec)
    policy.begin(1)
    gpu_packing = GpuPacking(spec, {"CPU": 2.0, "GPU": 1.0}, [alone], lambda: None, lambda: None)
    stopper = SweepStopper(spec, trial_log, 0.0)
    round = Round(0, spec, 0)
    queue = TrialQueue(round, policy, trial_log, gpu_packing, stopper)
    scheduler = PolicyScheduler(policy, trial_log, "score", Concurrency(trial_log, gpu_packing), queue)
    dismissals = Dismissals(policy, trial_log, stopper.seconds)
    callback = LedgerCallback(spec, trial_log, scheduler, gpu_packing, dismissals, stopper)

    def report(stage: int) -> None:
        about: dict[str, Any] = {"metrics": {"score": 0.5}, "stage_end": True, "seconds": 1.0, "done_in_stage": 1}
        memory = {"peak": 5 * GIB, "total": 16 * GIB}
        result = {"stage": stage, "epoch": stage + 1, "data": 1.0, "budget": stage + 0.5}
        about |= {"checkpoint": None, "memory": memory}
        callback.on_trial_result(
            0, [], SimpleNamespace(config={"trial": 1}, trial_id="00001"), result | {"sieve": about}
        )

    report(0)
    assert trial_log.events == 1
    trial_log.flush()
    assert [decision.verdict for decision in store.decisions("a")] == ["alone", "learn", "continue"]
    report(1)  # It tells no more than the first.
    assert trial_log.events == 2
