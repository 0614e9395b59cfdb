"""What Tune is handed for the trials of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray import tune
from ray.train._internal.storage import StorageContext

from service.engine.head.assignments import Assignments
from service.engine.head.resources.concurrency import Concurrency
from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.engine.head.trial_queue import TrialQueue
from service.engine.head.tune.callback import LedgerCallback
from service.engine.head.tune.scheduler import PolicyScheduler
from service.engine.head.tune.search_alg import PolicySearchAlg
from service.engine.state.dismissals import Dismissals
from service.engine.state.rounds import Round
from service.ledger.home import open_store
from service.policy.limits import UNLIMITED, Left
from service.policy.observation import Observation
from service.policy.policy import Job, Policy
from service.policy.verdict import Ruling, Verdict
from service.spec import Spec, load
from service.spec.models import Resources
from tests.ray.toys import toy
from trainables.worker.staged import StagedTrainable


class OneByOne(Policy):
    """A policy of one trial, which waits at the end of stage 0 and is promoted."""

    def judge(self, trial: int, stage: int, value: float | None, seconds: float) -> Verdict:
        return Verdict("continue" if stage else "pause", "as the test wants it")

    def next(self, table: Sequence[Observation], left: Left = UNLIMITED) -> Job | None:
        return Job(1, ruling=Ruling(1, 0, Verdict("promote", "now"))) if table else Job(1, {"x": 0.5})


def test_the_placement_group_of_a_trial_is_that_of_the_stage_it_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a new one, of one that is promoted, and of one that broke in the stage into which it went on."""
    monkeypatch.setattr(Spec, "resources_at", lambda self, stage: Resources(cpu=1.0 + stage))
    stages = [{"data": 0.25, "epochs": 1}, {"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 1}]
    spec = load(toy(stages=stages))
    store = open_store(tmp_path, create=True)
    store.create("toy", spec.to_dict(), "/", "me", None)
    log = TrialLog(store, "toy", store.claim("toy", "head", lambda _: False).attempt)
    stopper, packing, policy = (
        SweepStopper(spec, log, 0.0),
        GpuPacking(spec, {"CPU": 8.0}, [], int, int),
        OneByOne(spec),
    )
    concurrency, queue = Concurrency(log, packing), TrialQueue(Round(0, spec, 0), policy, log, packing, stopper)
    search_alg = PolicySearchAlg(queue, concurrency, packing, Assignments(spec, "/", tmp_path, log))
    scheduler = PolicyScheduler(policy, log, spec.metric.name, concurrency, queue)
    callback = LedgerCallback(spec, log, scheduler, packing, Dismissals(policy, log, stopper.seconds), stopper)
    tune.register_trainable("toy", StagedTrainable)
    storage = StorageContext(str(tmp_path), "toy")
    experiment = {"run": "toy", "storage": storage, "checkpoint_config": tune.CheckpointConfig()}
    search_alg.add_configurations([SimpleNamespace(spec=experiment)])

    def cpus() -> float:
        trial = search_alg.next_trial()
        assert trial is not None
        trial.create_placement_group_factory()
        search_alg.on_trial_complete(trial.trial_id)
        return float(trial.placement_group_factory.required_resources["CPU"])

    def report(stage: int) -> None:
        about = {"metrics": {spec.metric.name: 0.5}, "stage_end": True, "seconds": 1.0, "done_in_stage": 1}
        result = {"stage": stage, "epoch": stage + 1, "data": 1.0, "budget": stage + 0.5}
        trial = SimpleNamespace(config={"trial": 1}, trial_id="00001")
        callback.on_trial_start(0, [], trial)
        callback.on_trial_result(0, [], trial, result | {"sieve": about | {"checkpoint": None}})

    assert cpus() == 1.0
    report(stage=0)
    assert log.trials[1].state == "PAUSED"
    assert cpus() == 2.0
    report(stage=1)
    assert (log.trials[1].state, log.trials[1].stage) == ("RUNNING", 1)
    queue.append(1)
    assert cpus() == 3.0
