"""The order in which Tune asks and tells its parts, as `cluster.ray_internals.tune` says it, and what hangs on it."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import tune
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import SearchAlgorithm

from cluster.ray_internals import tune as internals
from cluster.ray_internals import workers
from cluster.ray_internals.absence import changed
from cluster.ray_internals.actors import node_of, worker_of
from cluster.ray_internals.tune import trial
from service.engine.head.no_snapshot import NoSnapshot
from service.engine.head.tune import failure_callback
from service.engine.head.tune.tuner import SWITCHES
from service.ledger.home import open_store
from tests.ray.toys import go, toy


class Climbs(tune.Trainable):
    """Three steps, the last of which waits for a file; the trial that is to break ends its process in its second."""

    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)

    def reset_config(self, config: dict[str, Any]) -> bool:
        self._steps, self._breaks, self._gate = 0, config["breaks"], Path(config["gate"])
        return True

    def step(self) -> dict[str, Any]:
        self._steps += 1
        if self._breaks and self._steps == 2:
            os._exit(1)
        if self._steps == 3:
            while not self._gate.exists():
                time.sleep(0.05)
        return {"at": {"step": self._steps}, "done": self._steps == 3}

    def save_checkpoint(self, folder: str) -> None:
        pass

    def load_checkpoint(self, checkpoint: Any) -> None:
        pass


class Diary:
    """What Tune asked and told, in order: (who, what, trial, step)."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, str, int | None]] = []

    def of(self, trial: str) -> list[tuple[str, str, int | None]]:
        return [(who, what, step) for who, what, of, step in self.entries if of == trial]


class Asked(NoSnapshot, FIFOScheduler):
    """Stops the trial ``stops`` after its first step."""

    def __init__(self, diary: Diary) -> None:
        super().__init__()
        self._diary = diary

    def on_trial_result(self, tune_controller: Any, trial: Any, result: dict[str, Any]) -> str:
        self._diary.entries.append(("scheduler", "result", trial.trial_id, result["at/step"]))
        return str(TrialScheduler.STOP if trial.trial_id == "stops" else TrialScheduler.CONTINUE)


class Told(NoSnapshot, tune.Callback):
    """Notes workers, too."""

    def __init__(self, diary: Diary) -> None:
        self._diary = diary
        self.workers: dict[str, str | None] = {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.workers[trial.trial_id] = worker_of(trial)
        self._diary.entries.append(("callback", "start", trial.trial_id, None))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        self._diary.entries.append(("callback", "result", trial.trial_id, result["at"]["step"]))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._diary.entries.append(("callback", "error", trial.trial_id, None))


class Hands(NoSnapshot, SearchAlgorithm):
    """Two trials at once until one has ended, then one; it looks finished while it has no place for more.

    The first opens the ``gate`` for those that climb to their end only then.
    """

    def __init__(self, diary: Diary, names: list[str], gate: Path) -> None:
        self._diary = diary
        self._names = names
        self._gate = gate
        self._live: set[str] = set()
        self._places = 2
        self.answers: Counter[bool] = Counter()
        self.asked_although_finished = 0

    def add_configurations(self, experiments: Any) -> None:
        [experiment] = experiments
        self._experiment = experiment.spec

    def next_trial(self) -> Any:
        self.asked_although_finished += self._looks_finished
        if self._looks_finished:
            return None
        name = self._names.pop(0)
        self._live.add(name)
        config = {"breaks": name == "breaks", "gate": str(self._gate)}
        return trial(self._experiment, name, config, tune.PlacementGroupFactory([{"CPU": 1}]))

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self._diary.entries.append(("search", "error" if error else "complete", trial_id, None))
        self._live.discard(trial_id)
        self._places = 1
        self._gate.touch()

    @property
    def _looks_finished(self) -> bool:
        return len(self._live) >= self._places or not self._names

    def is_finished(self) -> bool:
        self.answers[self._looks_finished] += 1
        return self._looks_finished

    def set_finished(self) -> None:
        self._names = []

    def save_to_dir(self, dirpath: str, **kwargs: Any) -> None:
        pass


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Diary, Hands, Told]:
    """Four trials by the real Tune: one climbs to its end, one is stopped, one dies, one climbs again."""
    diary = Diary()
    folder = tmp_path_factory.mktemp("tune")
    search, callback = Hands(diary, ["climbs", "stops", "breaks", "again"], folder / "gate"), Told(diary)
    patch = pytest.MonkeyPatch()
    for name, value in SWITCHES.items():
        patch.setenv(name, value)
    tune.Tuner(
        Climbs,
        tune_config=tune.TuneConfig(search_alg=search, scheduler=Asked(diary), reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(folder), callbacks=[callback], verbose=0),
    ).fit()
    patch.undo()
    return diary, search, callback


Run = tuple[Diary, Hands, Told]
STEP = [("scheduler", "result"), ("callback", "result")]


def test_the_scheduler_is_asked_before_the_callbacks_are_told_and_not_of_the_last_report(told: Run) -> None:
    diary, _, _ = told
    assert diary.of("climbs") == [
        ("callback", "start", None),
        *[(*entry, 1) for entry in STEP],
        *[(*entry, 2) for entry in STEP],
        ("callback", "result", 3),
        ("search", "complete", None),
    ]


def test_the_callbacks_are_told_of_the_report_that_the_scheduler_stops_at(told: Run) -> None:
    diary, _, _ = told
    assert diary.of("stops") == [
        ("callback", "start", None),
        *[(*entry, 1) for entry in STEP],
        ("search", "complete", None),
    ]


def test_of_a_worker_that_died_the_search_hears_before_the_callbacks(told: Run) -> None:
    diary, _, _ = told
    assert diary.of("breaks") == [
        ("callback", "start", None),
        *[(*entry, 1) for entry in STEP],
        ("search", "error", None),
        ("callback", "error", None),
    ]


def test_a_search_that_looks_finished_is_asked_for_no_trial_and_goes_on_when_it_does_no_more(told: Run) -> None:
    diary, search, callback = told
    started = [trial for who, what, trial, _ in diary.entries if what == "start"]
    assert (sorted(started[:2]), started[2:]) == (["climbs", "stops"], ["breaks", "again"])
    assert search.asked_although_finished == 0
    assert search.answers[True] > 0
    assert list(callback.workers.values()).count(callback.workers["stops"]) == 1, "it was not kept for another trial"


def test_the_worker_of_a_trial_is_known_when_it_starts(told: Run) -> None:
    _, _, callback = told
    here = ray.get_runtime_context().get_node_id()
    assert all(callback.workers.values())
    assert callback.workers["climbs"] != callback.workers["stops"]
    assert {node_of(str(worker)) for worker in callback.workers.values()} == {here}


def lacking(*_: Any) -> Any:
    raise changed("a part of it", "it is called otherwise")


def test_a_tune_that_makes_trials_otherwise_fails_the_sweep_with_the_cure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(internals, "trial", lacking)
    outcome = go(toy(search={"algorithm": "random", "trials": 1}), tmp_path)
    assert outcome.state == "FAILED"
    assert "a part of it: not with Ray" in outcome.why
    assert "install a version that is tested: pip install" in outcome.why


def test_trials_of_one_process_do_without_what_those_of_several_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whose placement groups are whose matters to no other: a worker that dies is tried again all the same."""
    monkeypatch.setattr(failure_callback, "free", lacking)
    flag = tmp_path / "flag"
    parameters = {"x": {"uniform": [0, 1]}, "flag": str(flag), "die": True}
    search = {"algorithm": "random", "trials": 1}
    assert go(toy(task="toy:breaks_once", parameters=parameters, search=search), tmp_path).state == "SUCCEEDED"
    [only] = open_store(tmp_path).trials("toy")
    assert (only.state, only.attempt) == ("FINISHED", 1)


def test_a_waiting_worker_has_the_environment_that_tune_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else Tune starts workers of its own, and those that wait are for nothing."""
    from ray.tune.execution.class_cache import _ActorClassCache

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    for name, value in SWITCHES.items():
        monkeypatch.setenv(name, value)
    asked = _ActorClassCache().get(Climbs)._default_options["runtime_env"]
    assert dict(asked["env_vars"]) == workers.environment()
