"""The Ray-facing class, without a Ray cluster: climbing, resuming after SIGKILL, and failing without an exception."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.tune import PlacementGroupFactory

from trainables.loop.assignment import Assignment
from trainables.stages import Plan, Stage
from trainables.worker import checkpoint
from trainables.worker.staged import StagedTrainable, describe_task

PROJECTS = str(Path(__file__).parents[3] / "projects")
POSITIONS = [(0, 1), (0, 2), (1, 1), (1, 2), (1, 3)]


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, Any]], StagedTrainable]]:
    monkeypatch.setattr("ray.tune.trainable.trainable.DEFAULT_STORAGE_PATH", str(tmp_path / "ray"))
    made: list[StagedTrainable] = []

    def build(config: dict[str, Any]) -> StagedTrainable:
        made.append(StagedTrainable(config))
        return made[-1]

    yield build
    for trainable in made:
        trainable.stop()


def climb(trainable: StagedTrainable) -> list[dict[str, Any]]:
    results = [trainable.step()]
    while not results[-1]["done"]:
        results.append(trainable.step())
    return results


def facts(results: list[dict[str, Any]]) -> list[Any]:
    """What must be equal however often a trial was interrupted: all but the seconds and the folder."""
    return [
        {
            **{key: value for key, value in result.items() if key != "sieve"},
            **{key: result["sieve"][key] for key in ("metrics", "done_in_stage", "stage_end", "failure")},
        }
        for result in results
    ]


def positions(results: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(result["stage"], result["sieve"]["done_in_stage"]) for result in results]


def failure(trainable: StagedTrainable) -> dict[str, Any]:
    result = trainable.step()
    assert result["done"] is True
    found: dict[str, Any] = result["sieve"]["failure"]
    return found


def test_a_trial_climbs_its_stages_and_says_where_it_is(begin, assign):
    config = assign()
    results = climb(begin(config))
    assert positions(results) == POSITIONS
    assert [result["epoch"] for result in results] == [1, 2, 3, 4, 5]
    assert [result["budget"] for result in results] == pytest.approx([0.3, 0.6, 1.6, 2.6, 3.6])
    assert [result["data"] for result in results] == [0.3, 0.3, 1.0, 1.0, 1.0]
    assert [result["sieve"]["stage_end"] for result in results] == [False, True, False, False, True]
    assert all(result["val_accuracy"] == result["sieve"]["metrics"]["val_accuracy"] for result in results)
    assert os.path.exists(results[-1]["sieve"]["checkpoint"])
    json.dumps(results)


def test_one_process_runs_many_trials_each_as_if_alone(begin, assign, tmp_path):
    alone = climb(begin(assign(folder=tmp_path / "alone")))
    reused = begin(assign(folder=tmp_path / "other", seed=99, config={"lr": 0.5}))
    reused.step()
    assert reused.reset_config(assign(folder=tmp_path / "after")) is True
    assert facts(climb(reused)) == facts(alone)


@pytest.mark.parametrize(("granted", "seen"), [({"CPU": 1}, ""), ({"CPU": 1, "GPU": 0.5}, "3,5")])
def test_a_trial_that_was_granted_no_gpu_sees_none(begin, assign, monkeypatch, granted, seen):
    monkeypatch.setattr(StagedTrainable, "trial_resources", PlacementGroupFactory([granted]))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    trainable = begin(assign())
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen
    trainable.step()
    trainable.reset_config(assign(seed=2))
    assert os.environ["CUDA_VISIBLE_DEVICES"] == seen, "nor does the next trial of the process"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"task": "lightning_blobs:Blobs", "project": PROJECTS},
        {"task": "transformers_tokens:Tokens", "project": PROJECTS, "config": {"learning_rate": 0.05}},
    ],
    ids=["own", "lightning", "transformers"],
)
def test_sigkill_at_any_time_changes_nothing(begin, assign, tmp_path, changes):
    expected = climb(begin(assign(folder=tmp_path / "straight", **changes)))
    config = assign(folder=tmp_path / "killed", **changes)
    program = (
        "import json, sys; from trainables.worker.staged import StagedTrainable\n"
        "trainable = StagedTrainable(json.loads(sys.argv[1]))\n"
        "while True: print(json.dumps(trainable.step()), flush=True)\n"
    )
    path = os.pathsep.join([str(Path(__file__).parents[4]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "HOME": str(tmp_path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", program, json.dumps(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        before = [json.loads(process.stdout.readline()) for _ in range(2)]
        process.send_signal(signal.SIGKILL)
    after = climb(begin({**config, "reported": [0, 2]}))
    assert positions(before + after) == POSITIONS
    assert facts(before + after) == facts(expected)


@pytest.mark.parametrize("reported", [None, (0, 1), (0, 2), (1, 2)])
def test_reports_that_the_ledger_lacks_are_handed_in_again(begin, assign, reported):
    first = begin(assign())
    made = [first.step() for _ in range(4)]
    again = climb(begin(assign(reported=reported)))
    kept = POSITIONS.index(reported) + 1 if reported else 0
    assert positions(again) == POSITIONS[kept:]
    assert again[: 4 - kept] == made[kept:]


def test_a_finished_trial_hands_in_its_last_report_again(begin, assign):
    last = climb(begin(assign()))[-1]
    assert begin(assign(reported=(1, 3))).step() == last


def test_tunes_own_checkpoint_spares_the_reports_made_since_the_trial_began(begin, assign, tmp_path):
    first = begin(assign())
    for _ in range(3):
        first.step()
    saved = first.save_checkpoint(str(tmp_path))
    resumed = begin(assign())
    resumed.load_checkpoint(saved)
    assert positions(climb(resumed)) == POSITIONS[3:]


def test_a_checkpoint_older_than_the_ledger_fails_with_the_cure(begin, assign):
    config = assign()
    first = begin(config)
    first.step()
    for reported, where in (((0, 2), "stage 0, epoch 1"), ((1, 1), "stage 0, epoch 1")):
        found = failure(begin(assign(reported=reported)))
        assert found["kind"] == "task"
        assert f"goes to {where}; restore the folder" in found["message"]
    shutil.rmtree(config["folder"])
    assert "goes to stage 0, epoch 0" in failure(begin(assign(reported=(0, 1))))["message"]


def test_a_leftover_of_another_config_is_overwritten(begin, assign):
    climb(begin(assign(config={"lr": 0.5})))
    assert positions(climb(begin(assign()))) == POSITIONS


def test_a_missing_metric_fails_the_first_report_and_names_what_there_is(begin, assign):
    found = failure(begin(assign(metric="val_acuracy")))
    assert found["kind"] == "metric"
    assert (
        "no metric val_acuracy (did you mean 'val_accuracy'?), only train_loss, val_accuracy, val_loss"
        in (found["message"])
    )


def test_a_nan_loss_fails_and_the_process_goes_on_with_the_next_trial(begin, assign, tmp_path):
    trainable = begin(assign(task="blobs:Poisoned", config={"poison": 1, "batch_size": 8}))
    found = failure(trainable)
    assert found["kind"] == "diverged"
    assert "the training loss became nan in epoch 1" in found["message"]
    assert "Diverged" in found["traceback"]
    trainable.reset_config(assign(folder=tmp_path / "next"))
    assert positions(climb(trainable)) == POSITIONS


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"config": {"lr": -1}}, "task", "lr is -1; use a number > 0"),
        ({"task": "blobs:Broken"}, "error", "ZeroDivisionError: no layers"),
        ({"task": "blobs:Elsewhere"}, "task", "data() fails: FileNotFoundError: no such file: train.csv"),
        ({"task": "nowhere:Task"}, "task", "task module nowhere is not found"),
        ({"folder": Path("/dev/null/1")}, "disk", "cannot write checkpoint"),
    ],
)
def test_what_goes_wrong_is_a_result_and_never_an_exception(begin, assign, changes, kind, message):
    found = failure(begin(assign(**changes)))
    assert (found["kind"], message in found["message"]) == (kind, True), found["message"]


def test_a_broken_checkpoint_is_a_failure_of_the_disk(begin, assign):
    config = assign()
    checkpoint.write(Path(config["folder"]), {"anything": 1}).write_bytes(b"half")
    assert failure(begin(config))["kind"] == "disk"


def test_a_function_resumes_and_ends_like_a_class(begin, assign, tmp_path):
    changes: dict[str, Any] = {"task": "blobs:counting", "metric": "score"}
    expected = climb(begin(assign(**changes, folder=tmp_path / "straight")))
    assert positions(expected) == POSITIONS
    for cut in range(1, 5):
        folder = tmp_path / str(cut)
        first = begin(assign(**changes, folder=folder))
        before = [first.step() for _ in range(cut)]
        first.cleanup()
        after = climb(begin(assign(**changes, folder=folder, reported=positions(before)[-1])))
        assert facts(before + after) == facts(expected)


def test_a_function_finds_the_data_directory_of_its_sweep(begin, assign, tmp_path):
    (tmp_path / "number").write_text("7")
    config = assign(task="blobs:reading", metric="score", data_dir=str(tmp_path))
    assert [result["score"] for result in climb(begin(config))] == [7.0] * len(POSITIONS)


FOUR = Plan((Stage(0.2, 2), Stage(0.3, 2), Stage(0.6, 1), Stage(1.0, 2)))


@pytest.mark.parametrize("task", [{}, {"task": "blobs:counting", "metric": "score"}], ids=["class", "function"])
def test_skipped_stages_are_not_trained_and_cost_nothing(begin, assign, tmp_path, task):
    results = climb(begin(assign(**task, plan=FOUR, skipped=(0, 2))))
    assert positions(results) == [(1, 1), (1, 2), (3, 1), (3, 2)]
    assert [result["epoch"] for result in results] == [1, 2, 3, 4]
    assert [result["budget"] for result in results] == pytest.approx([0.3, 0.6, 1.6, 2.6])
    assert [result["data"] for result in results] == [0.3, 0.3, 1.0, 1.0]
    for cut in range(1, 4):
        folder = tmp_path / str(cut)
        first = begin(assign(**task, plan=FOUR, skipped=(0, 2), folder=folder))
        before = [first.step() for _ in range(cut)]
        first.cleanup()
        after = climb(begin(assign(**task, plan=FOUR, skipped=(0, 2), folder=folder, reported=positions(before)[-1])))
        assert facts(before + after) == facts(results)


@pytest.mark.parametrize("task", [{}, {"task": "blobs:counting", "metric": "score"}], ids=["class", "function"])
def test_a_trial_that_is_told_at_a_rung_what_to_skip_goes_on_as_if_it_had_known(begin, assign, tmp_path, task):
    knowing = climb(begin(assign(**task, plan=FOUR, skipped=(2,), folder=tmp_path / "knowing")))
    first = begin(assign(**task, plan=FOUR, folder=tmp_path / "told"))
    before = [first.step() for _ in range(4)]
    first.cleanup()
    told = assign(**task, plan=FOUR, skipped=(2,), folder=tmp_path / "told", reported=(1, 2))
    assert facts(before + climb(begin(told))) == facts(knowing)


def test_assignments_round_trip():
    plan = Plan((Stage(0.5, 1, 2), Stage(1.0, 1)))
    given = Assignment({"a": {"b": 1}}, 4, 5, "m", plan, "t:T", "/p", Path("/f"), (0, 1), skipped=(0,))
    assert Assignment.from_dict(json.loads(json.dumps(given.to_dict()))) == given


def test_a_task_is_described_and_its_data_shared(project):
    stages = [{"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 1}]
    description, data = describe_task("blobs:Blobs", str(project), stages, 0)
    assert description == {
        "task": "blobs:Blobs",
        "kind": "class",
        "train": 60,
        "validation": 30,
        "classes": 2,
        "stages": [30, 60],
    }
    assert data is not None
    assert type(data.train[0]).__module__ == "numpy"
    assert describe_task("blobs:counting", str(project), stages, 0)[0]["kind"] == "function"


def test_torch_is_not_loaded_by_naming_the_class():
    program = "import sys, trainables.worker.staged; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0


def test_a_metric_of_every_other_epoch_needs_to_be_there_at_the_end_of_each_stage(begin, assign, tmp_path):
    task = {"task": "blobs:seldom", "metric": "score"}
    results = climb(begin(assign(**task, config={"every": 2}, plan=Plan((Stage(0.3, 2), Stage(1.0, 4))))))
    assert [result.get("score") for result in results] == [None, 1.0, None, 1.0, None, 3.0]
    short = begin(assign(**task, config={"every": 2}, plan=Plan((Stage(0.3, 3),)), folder=tmp_path / "short"))
    assert [short.step()["sieve"]["failure"] for _ in range(2)] == [None, None]
    assert "reports no metric score at the end of stage 0, only epoch_seen" in failure(short)["message"]


def test_reports_say_what_a_stage_trained_with(begin, assign):
    plan = Plan((Stage(0.25, 1), Stage(1.0, 1)), transfer=(("batch_size", 0.5), ("lr", 0.5)))
    coarse, fine = climb(begin(assign(plan=plan)))
    assert {"trained/batch_size": 4, "trained/lr": 0.025}.items() <= coarse["sieve"]["metrics"].items()
    assert {"trained/batch_size": 8, "trained/lr": 0.05}.items() <= fine["sieve"]["metrics"].items()


def test_a_checkpoint_of_another_transfer_is_of_another_trial(assign):
    stages, some = (Stage(0.25, 1), Stage(1.0, 1)), (("lr", 0.5),)
    identities = [Assignment.from_dict(assign(plan=Plan(stages, transfer=one))).identity for one in ((), some)]
    assert identities[0] != identities[1]
    assert "transfer" not in identities[0]  # As in checkpoints from before there was any.


def test_a_loop_of_its_own_refuses_a_transfer(begin, assign):
    plan = Plan((Stage(0.25, 1), Stage(1.0, 1)), transfer=(("lr", 0.5),))
    failed = begin(assign(plan=plan, task="blobs:counting", metric="score")).step()
    assert "transfer changes what Sieve's own loop trains with" in failed["sieve"]["failure"]["message"]


def test_a_plan_with_a_transfer_round_trips():
    plan = Plan((Stage(0.5, 1), Stage(1.0, 1)), transfer=(("batch_size", 0.5),))
    given = Assignment({}, 4, 5, "m", plan, "t:T", "/p", Path("/f"))
    assert Assignment.from_dict(json.loads(json.dumps(given.to_dict()))) == given
