"""Lightning and transformers tasks: stages, schedules and exact resume are Sieve's, the loop is the library's."""

from __future__ import annotations

import copy
import importlib
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from trainables.adapters.library import LibraryRun
from trainables.errors import Diverged, TaskError
from trainables.stages import Plan, Stage
from trainables.worker.resolve import resolve

PROJECTS = str(Path(__file__).parents[3] / "projects")
TASKS = {"lightning_blobs": "Blobs", "transformers_tokens": "Tokens"}
PLAN = Plan((Stage(0.3, 1), Stage(0.6, 1), Stage(1.0, 2)))
FRESH = Plan((Stage(0.3, 1), Stage(0.6, 1, start="fresh"), Stage(1.0, 2)))
SKIPPING = PLAN.without([1])
BOTH = pytest.mark.parametrize("name", TASKS)
STEPS = {0: 3, 1: 5, 2: 8}
"""Steps of an epoch of each stage: 18, 36 and 60 examples by 8; Lightning's batches leave no single example behind."""

Begin = Callable[..., LibraryRun]


def project(name: str) -> ModuleType:
    return importlib.import_module(name)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.syspath_prepend(PROJECTS)


def begin(name: str, plan: Plan = PLAN, task: str | None = None, **config: Any) -> LibraryRun:
    found = resolve(f"{name}:{task or TASKS[name]}", PROJECTS)
    project(name).RATES.clear()
    return found.run(found.data(), {**project(name).CONFIG, **config}, plan, 11)  # type: ignore[union-attr]


def climb(run: LibraryRun, plan: Plan) -> list[tuple[int, int, dict[str, float]]]:
    seen = []
    while (run.stage, run.done) != (plan.last, plan[plan.last].epochs):
        metrics = run.run_epoch()
        seen.append((run.stage, run.done, metrics))
    return seen


def cosine(steps: range, total: int) -> list[float]:
    return [0.05 * 0.5 * (1 + math.cos(math.pi * step / total)) for step in steps]


def same_weights(one: LibraryRun, other: LibraryRun) -> bool:
    pairs = zip(one.model.state_dict().values(), other.model.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("plan", [PLAN, FRESH, SKIPPING], ids=["continue", "fresh", "skip"])
@pytest.mark.parametrize(
    ("name", "task"), [*TASKS.items(), ("transformers_tokens", "Pictures")], ids=["lightning", "bert", "vit"]
)
def test_a_resumed_run_equals_a_straight_one_bit_for_bit(name, task, plan):
    straight = begin(name, plan, task)
    states, seen = [], []
    while not seen or seen[-1][:2] != (2, 2):
        metrics = straight.run_epoch()
        seen.append((straight.stage, straight.done, metrics))
        states.append(copy.deepcopy(straight.state()))
    assert {"train_loss", "val_loss", "val_accuracy"} == set(seen[0][2])
    assert len({metrics["train_loss"] for _, _, metrics in seen}) == len(seen)
    for number, state in enumerate(states[:-1], 1):
        resumed = begin(name, plan, task)
        resumed.load(state)
        assert climb(resumed, plan) == seen[number:]
        assert same_weights(resumed, straight)


@BOTH
def test_a_schedule_spans_the_stages_from_one_fresh_start_to_the_next(name):
    rates = project(name).RATES
    climb(begin(name), PLAN)
    assert rates == pytest.approx(cosine(range(24), 24))
    climb(begin(name, SKIPPING), SKIPPING)
    assert rates == pytest.approx(cosine(range(3), 24) + cosine(range(8, 24), 24))
    climb(begin(name, FRESH), FRESH)
    assert rates == pytest.approx(cosine(range(3), 3) + cosine(range(21), 21))


@BOTH
def test_a_fresh_stage_trains_as_if_it_were_the_first(name):
    plan = Plan((Stage(0.3, 1), Stage(1.0, 1, start="fresh")))
    (_, _, fresh) = climb(begin(name, plan), plan)[-1]
    (_, _, skipped) = climb(begin(name, plan.without([0])), plan)[-1]
    assert fresh == skipped


@BOTH
def test_nothing_is_written_or_shown(name, tmp_path, capfd):
    climb(begin(name), PLAN)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@BOTH
def test_a_loss_that_is_not_a_number_ends_the_trial(name):
    from trainables.worker import outcome

    run = begin(name, poison=4)
    run.run_epoch()
    with pytest.raises(Diverged, match=r"train(ing |_)loss became nan.*; lower lr"):
        outcome.check(run.run_epoch(), "val_accuracy")


@BOTH
def test_a_callback_that_asks_to_stop_ends_the_stage(name):
    plan = Plan((Stage(0.3, 5), Stage(0.6, 1), Stage(1.0, 4))).without([1])
    positions = [position[:2] for position in climb(begin(name, plan, "Patient"), plan)]
    # The second epoch of each is no better than the first.
    assert positions == [(0, 1), (0, 5), (2, 1), (2, 4)]
    rates = project(name).RATES
    assert rates == pytest.approx(cosine(range(6), 52) + cosine(range(20, 36), 52))


@BOTH
def test_a_callback_that_ran_out_in_the_last_epoch_of_a_stage_begins_anew(name):
    plan = Plan((Stage(0.3, 2), Stage(1.0, 4)))
    positions = [position[:2] for position in climb(begin(name, plan, "Patient"), plan)]
    assert positions == [(0, 1), (0, 2), (1, 1), (1, 4)]


@BOTH
def test_schedules_move_past_the_rest_of_an_epoch_that_a_callback_breaks_off(name):
    plan = Plan((Stage(0.3, 2), Stage(1.0, 3)))
    positions = [position[:2] for position in climb(begin(name, plan, "Hasty"), plan)]
    assert positions == [(0, 2), (1, 3)]
    rates = project(name).RATES
    assert rates == pytest.approx(cosine(range(2), 30) + cosine(range(6, 8), 30))


def test_a_schedule_by_epochs_moves_past_those_that_a_callback_spared():
    plan = Plan((Stage(0.3, 5), Stage(1.0, 4)))
    climb(begin("lightning_blobs", plan, "Patient", interval="epoch"), plan)
    seen = list(dict.fromkeys(project("lightning_blobs").RATES))
    assert seen == pytest.approx([*cosine(range(2), 9), *cosine(range(5, 7), 9)])


@BOTH
def test_a_run_resumed_after_a_stop_equals_a_straight_one(name):
    plan = Plan((Stage(0.3, 5), Stage(1.0, 4)))
    straight = begin(name, plan, "Patient")
    straight.run_epoch()
    straight.run_epoch()
    state = copy.deepcopy(straight.state())
    assert (straight.stage, straight.done) == (0, 5)
    expected = climb(straight, plan)
    resumed = begin(name, plan, "Patient")
    resumed.load(state)
    assert climb(resumed, plan) == expected
    rates = project(name).RATES
    assert rates == pytest.approx(cosine(range(15, 31), 47))
    assert same_weights(resumed, straight)


def test_a_training_loss_that_is_not_returned_is_not_reported():
    (_, _, metrics), *_ = climb(begin("lightning_blobs", task="Manual"), PLAN)
    assert set(metrics) == {"val_loss", "val_accuracy"}


@BOTH
def test_a_model_of_another_kind_is_refused(name):
    with pytest.raises(TaskError, match=r"returned a .*; return a "):
        begin(name, task="NotAModule")


@pytest.mark.parametrize(
    ("name", "method", "given", "message"),
    [
        ("lightning_blobs", "trainer", "max_epochs", "gives max_epochs, which Sieve sets; leave it out"),
        ("lightning_blobs", "trainer", "gradient_clip", r"did you mean 'gradient_clip_\w+'"),
        ("transformers_tokens", "arguments", "num_train_epochs", "which Sieve sets; leave it out"),
        ("transformers_tokens", "arguments", "weight_decai", "did you mean 'weight_decay'"),
        ("transformers_tokens", "trainer", "train_dataset", "which Sieve sets; leave it out"),
        ("transformers_tokens", "trainer", "data_colator", "did you mean 'data_collator'"),
    ],
)
def test_keywords_that_are_unknown_or_are_sieves_are_refused(name, method, given, message, monkeypatch):
    task = getattr(project(name), TASKS[name])
    monkeypatch.setattr(task, method, lambda _self, _config: {given: 1})
    with pytest.raises(TaskError, match=message):
        begin(name).run_epoch()


def test_config_keys_that_the_library_knows_reach_it():
    clipped = begin("lightning_blobs", gradient_clip_val=1e-6, accumulate_grad_batches=3)
    climb(clipped, PLAN)
    assert clipped.climb.steps == 1 + 2 + 2 * 3 == clipped.checkpoint["global_step"]
    decayed = begin("transformers_tokens", gradient_accumulation_steps=3, bf16=True)
    climb(decayed, PLAN)
    assert decayed.climb.steps == 1 + 2 + 2 * 3
    assert climb(begin("transformers_tokens"), PLAN)  # another precision in the same process


@pytest.mark.parametrize("interval", ["step", "epoch"])
def test_epoch_by_epoch_lightning_trains_as_in_one_fit(interval, monkeypatch):
    from lightning.pytorch import Trainer

    blobs = project("lightning_blobs")
    monkeypatch.setattr(blobs.Blobs, "loader", lambda _self, examples, _config, training: in_order(examples))
    monkeypatch.setattr(torch.nn.Dropout, "forward", lambda _self, inputs: inputs)
    plan = Plan((Stage(1.0, 4),))
    run = begin("lightning_blobs", plan, interval=interval)
    module = copy.deepcopy(run.model)
    seen = climb(run, plan)
    rates = list(blobs.RATES)

    from trainables.adapters.rows import Rows
    from trainables.lightning import QUIET, _quiet

    data = blobs.Blobs().data()
    loaders = [in_order(Rows(part, torch.arange(len(part[0])).numpy())) for part in (data.train, data.validation)]
    with _quiet():
        trainer = Trainer(accelerator="cpu", max_epochs=4, **QUIET)
        trainer.fit(module, *loaders)
    assert rates == blobs.RATES[len(rates) :]
    assert all(torch.equal(a, b) for a, b in zip(module.parameters(), run.model.parameters(), strict=True))
    assert float(trainer.callback_metrics["val_loss"]) == seen[-1][2]["val_loss"]


def in_order(examples: Any) -> Any:
    return torch.utils.data.DataLoader(examples, batch_size=8)


@pytest.mark.parametrize(("name", "task"), [("lightning_blobs", "OfModule"), ("transformers_tokens", "Mappings")])
def test_datasets_train_as_arrays_do(name, task):
    assert climb(begin(name, task=task), PLAN) == climb(begin(name), PLAN)


def test_a_data_module_has_one_loader_for_each_use():
    with pytest.raises(TaskError, match=r"val_dataloader\(\) returned a list; return one DataLoader"):
        begin("lightning_blobs", task="TwoLoaders")


def test_what_the_library_refuses_is_the_tasks_mistake():
    with pytest.raises(TaskError, match=r"arguments\(config\): .*cosin.*; correct the value"):
        begin("transformers_tokens", lr_scheduler_type="cosin")
    with pytest.raises(TaskError, match=r"Lightning refuses the task: .*configure_optimizers.*; correct it"):
        begin("lightning_blobs", task="Unconfigured").run_epoch()


def test_columns_name_each_array():
    with pytest.raises(TaskError, match="columns names input_ids, but the data has 2 arrays; set columns"):
        begin("transformers_tokens", task="Misnamed")


@pytest.mark.parametrize(
    ("package", "adapter", "extra"),
    [
        ("lightning.pytorch", "trainables.lightning", "lightning"),
        ("transformers", "trainables.huggingface", "hf"),
        ("accelerate", "trainables.huggingface", "hf"),
    ],
)
def test_a_missing_extra_is_named(package, adapter, extra, tmp_path, monkeypatch):
    (tmp_path / f"needs_{extra}.py").write_text(f"import {adapter}\n")
    monkeypatch.delitem(sys.modules, adapter, raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(TaskError, match=rf"imports {package}, .* not installed; .* pip install '\.\[{extra}\]'"):
        resolve(f"needs_{extra}:Task", str(tmp_path))


@pytest.mark.parametrize(
    ("reference", "wanted"),
    [
        ("lightning_blobs:Net", "trainables.lightning.LightningTask"),
        ("transformers_tokens:BertForSequenceClassification", "trainables.huggingface.TransformersTask"),
    ],
)
def test_a_model_named_as_the_task_is_told_its_task_class(reference, wanted):
    with pytest.raises(TaskError, match=f"name a subclass of {wanted} or a function"):
        resolve(reference, PROJECTS)


def test_other_tasks_load_neither_library():
    program = (
        "import sys, trainables.worker.loading, trainables.loop.training, trainables.worker.resolve\n"
        "sys.exit(any(name in sys.modules for name in ('lightning', 'transformers', 'accelerate')))\n"
    )
    folder = Path(__file__).parents[4]
    assert subprocess.run([sys.executable, "-c", program], cwd=folder, check=False).returncode == 0
