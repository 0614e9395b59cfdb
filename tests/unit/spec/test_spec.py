"""The spec as a whole: read, refused with everything at once, written back."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pydantic
import pytest
from ray import tune

from service.spec import Spec, SpecError, UserError, load
from trainables.stages import Stage

MINIMAL: dict[str, Any] = {
    "name": "digits",
    "task": "tasks:Digits",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {"lr": {"loguniform": [1e-4, 1]}},
    "stages": [{"data": 0.1, "epochs": 2}, {"data": 1, "epochs": 10}],
}
YAML = """\
name: digits-mlp
task: trainables.tasks.digits:Digits
data_dir: ../data
metric: {name: val_accuracy, goal: maximize, target: 0.985}
parameters:
  lr: {loguniform: [1e-4, 1.0]}
  optimizer: {choice: [sgd, adam]}
  momentum: {uniform: [0.0, 0.99], when: {optimizer: [sgd]}}
  model:
    hidden: {lograndint: [16, 257]}
  label_smoothing: 0.1
stages:
  - {data: 0.05, epochs: 2, classes: 2}
  - {data: 1.0, epochs: 12, start: fresh}
search: {algorithm: random, trials: 64, seed: 7, initial: [{lr: 0.1, model: {hidden: 64}}]}
schedule: {algorithm: fifo}
resources: {cpu: 1, gpu: 0.25, max_concurrent: 16}
budget: {trials: 200, time: 2h, epochs: 300}
retries: 1
checkpoints: {keep: all}
loggers: [csv, tensorboard]
"""


def violations(source: Any) -> list[tuple[str, int | None, str]]:
    with pytest.raises(SpecError) as caught:
        load(source)
    return [(v.where, v.line, v.message) for v in caught.value.violations]


def changed(path: str, value: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(MINIMAL))
    *folders, key = path.split("/")
    place = data
    for folder in folders:
        place = place.setdefault(folder, {})
    place[key] = value
    return data


def test_defaults() -> None:
    spec = load(MINIMAL)
    assert (spec.search.algorithm, spec.search.trials, spec.search.seed) == ("auto", 32, 0)
    assert (spec.schedule.algorithm, spec.schedule.reduction_factor) == ("promote", 4)
    assert (spec.resources.cpu, spec.resources.gpu, spec.resources.max_concurrent) == (1, 0, None)
    assert (spec.budget.trials, spec.budget.time, spec.budget.epochs) == (None, None, None)
    assert (spec.retries, spec.checkpoints.keep, spec.loggers) == (2, "best", ())
    assert spec.data_dir is None
    assert spec.plan.stages == (Stage(0.1, 2), Stage(1.0, 10))


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(YAML)
    spec = load(path)
    assert load(str(path)) == spec
    assert spec.metric.target == 0.985
    assert spec.data_dir == "../data"
    assert spec.budget.time == 7200.0
    assert spec.search.initial == ({"lr": 0.1, "model/hidden": 64},)
    assert [p.name for p in spec.space.parameters] == ["lr", "optimizer", "momentum", "model/hidden"]
    assert spec.plan[0].classes == 2
    assert spec.loggers == ("csv", "tensorboard")


def test_round_trips(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(YAML)
    for spec in (load(path), load(MINIMAL), load(changed("search", {"algorithm": "random", "trials": 5}))):
        assert load(json.loads(json.dumps(spec.to_dict()))) == spec
        copy = tmp_path / "copy.yaml"
        copy.write_text(spec.to_yaml())
        assert load(copy) == spec
        assert pickle.loads(pickle.dumps(spec)) == spec
        assert load(spec) is spec
        assert Spec(**spec.to_dict()) == spec


def test_a_spec_is_frozen() -> None:
    spec = load(MINIMAL)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        spec.retries = 3  # type: ignore[misc]


def test_a_spec_by_keywords_is_checked_as_a_file_is() -> None:
    with pytest.raises(SpecError) as caught:
        Spec(**{**MINIMAL, "name": "A b", "parameters": {"lr": {"uniform": [1, 0]}}})
    assert [v.where for v in caught.value.violations] == ["name", "parameters/lr"]


def test_tune_domains_become_plain_data() -> None:
    spec = load({**MINIMAL, "parameters": {"lr": tune.loguniform(1e-4, 1)}})
    assert spec == load(MINIMAL)
    assert spec.to_dict()["parameters"] == {"lr": {"loguniform": [1e-4, 1.0]}}


def test_a_grid_takes_all_its_points() -> None:
    grid = {**MINIMAL, "parameters": {"n": {"grid_search": [1, 2]}}, "search": {"algorithm": "grid"}}
    assert load(grid).search.trials is None
    assert load(load(grid).to_dict()).search.trials is None


def test_all_violations_of_a_file_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "name: Digits\n"
        "metric: {name: acc, goal: max}\n"
        "parameters:\n"
        "  lr: {loguniform: [0, 1]}\n"
        "  nested:\n"
        "    drop: {unifrom: [0, 1]}\n"
        "  lr: 3\n"
        "stages:\n"
        "  - {data: 0.5, epochs: 2}\n"
        "  - data: 0.2\n"
        "    epochs: 4\n"
        "  - {data: 1.5, epochs: 0}\n"
        "serach: {}\n"
        "search: {trials: 0, sed: 1}\n"
        "budget: {time: soon}\n"
    )
    found = violations(path)
    assert [(where, line) for where, line, _ in found] == [
        ("name", 1),
        ("task", 1),
        ("metric/goal", 2),
        ("parameters/lr", 4),
        ("parameters/nested/drop", 6),
        ("parameters/lr", 7),
        ("stages/1/data", 10),
        ("stages/2/data", 12),
        ("serach", 13),
        ("search/trials", 14),
        ("search/sed", 14),
        ("budget/time", 15),
    ]
    with pytest.raises(SpecError) as caught:
        load(path)
    text = str(caught.value)
    assert f"{path}:13: serach: unknown key 'serach' (did you mean 'search'?); allowed: name, task, metric" in text
    assert f"{path}:14: search/sed: unknown key 'sed' (did you mean 'seed'?); allowed: algorithm, trials, seed" in text
    assert len(text.splitlines()) == 12


@pytest.mark.parametrize(
    ("path", "value", "where", "message"),
    [
        ("name", "A b", "name", "is 'A b'; a name has 1 to 63 lower-case letters"),
        ("name", "a" * 64, "name", "a name has 1 to 63"),
        ("name", "a\n", "name", "is 'a\\n'"),
        ("task", "Digits", "task", "is 'Digits'; write module:Name"),
        ("metric/goal", "max", "metric/goal", "is 'max' (did you mean 'maximize'?); allowed: maximize, minimize"),
        ("metric/target", float("nan"), "metric/target", "write a finite number"),
        ("metric", "acc", "metric", "is 'acc'; write a mapping with the keys name, goal, target"),
        ("stages", [], "stages", "is empty; a plan needs at least one"),
        ("stages", 3, "stages", "is 3; write a list"),
        ("stages", [{"data": 1.0}], "stages/0/epochs", "is missing; add e.g. epochs: 10"),
        ("stages", [{"data": 1.0, "epochs": "3"}], "stages/0/epochs", "is '3'; write an integer"),
        ("stages", [{"data": 1.0, "epochs": 1.5}], "stages/0/epochs", "is 1.5; write an integer"),
        ("stages", [{"data": 1.0, "epochs": True}], "stages/0/epochs", "is True; write an integer"),
        ("stages", [{"data": 0, "epochs": 1}], "stages/0/data", "a stage uses a fraction in (0, 1]"),
        (
            "stages",
            [{"data": 1.0, "epochs": 1, "epoch": 1}],
            "stages/0/epoch",
            "unknown key 'epoch' (did you mean 'epochs'?)",
        ),
        ("search/algorithm", "hyperot", "search/algorithm", "did you mean 'hyperopt'?"),
        ("search/trials", 0, "search/trials", "is 0; allowed: at least 1"),
        ("search/seed", -1, "search/seed", "is -1; allowed: at least 0"),
        (
            "search/initial",
            [{"lr": 3}],
            "search/initial/0/lr",
            "3 is outside the space; allowed: a number from 0.0001 to 1",
        ),
        ("search/initial", [{}, {"rl": 3}], "search/initial/1/rl", "there is no parameter 'rl' (did you mean 'lr'?)"),
        ("search/initial", [3], "search/initial/0", "is 3; write a mapping"),
        ("search/algorithm", "grid", "parameters/lr", "is a loguniform; a grid needs listed values"),
        ("parameters/n", {"grid_search": [1, 2]}, "parameters/n", "for auto write choice"),
        ("schedule/reduction_factor", 1, "schedule/reduction_factor", "is 1; allowed: at least 2"),
        ("schedule/reduction_factor", 1.9, "schedule/reduction_factor", "is 1.9; allowed: at least 2"),
        ("search/warm_start", ["old", "digits"], "search/warm_start/1", "is 'digits', this sweep itself; name sweeps"),
        ("search/warm_start", ["old", "old"], "search/warm_start/1", "is 'old' again; name each sweep once"),
        ("search/warm_start", "old", "search/warm_start", "is 'old'; write a list"),
        ("search/warm_start", ["Old"], "search/warm_start/0", "is 'Old'; a name has 1 to 63 lower-case letters"),
        ("schedule", None, "schedule", "is None; write a mapping with the keys algorithm, reduction_factor"),
        ("resources/cpu", 0, "resources/cpu", "is 0; allowed: above 0"),
        ("resources/cpu", True, "resources/cpu", "is True; write a number"),
        ("resources/gpu", 1.5, "resources/gpu", "is 1.5; only a single GPU is shared in fractions: use 2 or at most 1"),
        ("resources/gpu", -1, "resources/gpu", "is -1; use 0, a fraction of one GPU"),
        ("resources/gpu", "aut", "resources/gpu", "is 'aut' (did you mean 'auto'?); use a number of GPUs"),
        ("resources/gpu", True, "resources/gpu", "is True; use a number of GPUs"),
        ("resources/workers", 0, "resources/workers", "is 0; allowed: at least 1"),
        ("resources/max_concurrent", 0, "resources/max_concurrent", "allowed: at least 1"),
        ("budget/time", "2 weeks", "budget/time", "is '2 weeks'; write a time above zero such as 90s, 15m, 2h or 1d"),
        ("budget/epochs", 0, "budget/epochs", "allowed: above 0"),
        ("retries", -1, "retries", "allowed: at least 0"),
        ("rounds/count", 2**31, "rounds/count", "less than or equal to 1000"),
        ("checkpoints/keep", "none", "checkpoints/keep", "allowed: best, finished, all"),
        ("loggers", ["tensorbord"], "loggers/0", "is 'tensorbord' (did you mean 'tensorboard'?)"),
    ],
)
def test_refused(path: str, value: Any, where: str, message: str) -> None:
    [(at, line, said)] = violations(changed(path, value))
    assert (at, line) == (where, None)
    assert message in said


@pytest.mark.parametrize("key", ["name", "task", "metric", "parameters"])
def test_missing_keys_show_an_example(key: str) -> None:
    [(where, _, message)] = violations({k: v for k, v in MINIMAL.items() if k != key})
    assert where == key
    assert message.startswith(f"is missing; add e.g. {key}: ")


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1.5h", 5400), ("1d", 86400), (30, 30)])
def test_times(text: Any, seconds: float) -> None:
    assert load(changed("budget/time", text)).budget.time == seconds


@pytest.mark.parametrize(("text", "message"), [("", "is empty"), ("- 1", r"holds \[1\]"), ("3", "holds 3")])
def test_files_that_hold_no_spec(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    with pytest.raises(SpecError, match=f"{message}; write a mapping"):
        load(path)


def test_sources_of_another_type() -> None:
    with pytest.raises(UserError, match="cannot read a spec from 3 of type int; give the path"):
        load(3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "form", "warned"),
    [
        ("lr", {"uniform": [1e-3, 0.1]}, True),
        ("lr", {"uniform": [0, 0.1]}, True),
        ("optimizer/weight_decay", {"uniform": [0, 0.1]}, True),
        ("base_learning_rate", {"quniform": [0, 1, 0.1]}, True),
        ("lr", {"uniform": [0.01, 0.1]}, False),
        ("lr", {"loguniform": [1e-4, 1]}, False),
        ("dropout", {"uniform": [0, 1]}, False),
    ],
)
def test_linear_rates_draw_a_warning(name: str, form: dict[str, Any], warned: bool) -> None:
    warnings = load({**MINIMAL, "parameters": {name: form}}).warnings()
    assert bool(warnings) is warned
    if warned:
        assert warnings[0].startswith(f"parameters/{name}: ")
        assert "write loguniform: [" in warnings[0]


@pytest.mark.parametrize(
    ("changes", "warned"),
    [
        ({"schedule": {"algorithm": "asha"}}, True),
        ({"schedule": {"algorithm": "promote"}}, True),
        ({"schedule": {"algorithm": "fifo"}}, False),
        ({"schedule": {"reduction_factor": 3}}, False),
        ({}, False),
        ({"schedule": {"algorithm": "asha"}, "stages": MINIMAL["stages"]}, False),
        ({"schedule": {"algorithm": "asha"}, "rounds": {"count": 2, "stages": [MINIMAL["stages"]]}}, False),
    ],
)
def test_a_scheduler_with_nothing_to_decide_draws_a_warning(changes: dict[str, Any], warned: bool) -> None:
    warnings = load(MINIMAL | {"stages": [{"data": 1.0, "epochs": 1}]} | changes).warnings()
    assert len(warnings) == warned
    if warned:
        assert "there is only one, so that every trial trains it in full, as with fifo: add a coarser" in warnings[0]


def test_neither_ray_nor_torch_nor_pandas_is_loaded() -> None:
    code = "import sys, service.spec; print([m for m in ('ray', 'torch', 'pandas', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("resources", "message"),
    [
        ({"gpu": "auto", "workers": 2}, "is auto, which shares one GPU among trials, but workers is 2; write gpu: 2"),
        ({"gpu": 0.5, "workers": 2}, "is 0.5 for 2 workers, of which each drives one GPU or none; write gpu: 2"),
        ({"gpu": 4, "workers": 2}, "is 4 for 2 workers, of which each drives one GPU or none; write gpu: 2"),
    ],
)
def test_each_of_several_workers_drives_one_gpu_or_none(resources: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(f"resources/gpu: {message}")):
        load(MINIMAL | {"resources": resources})


@pytest.mark.parametrize(
    ("resources", "processes"),
    [
        ({}, 1),
        ({"gpu": 0.25}, 1),
        ({"gpu": "auto"}, 1),
        ({"gpu": 4}, 4),
        ({"gpu": 4, "workers": 1}, 1),
        ({"workers": 3}, 3),
    ],
)
def test_a_trial_has_a_process_for_each_whole_gpu(resources: dict[str, Any], processes: int) -> None:
    assert load(MINIMAL | {"resources": resources}).resources.processes == processes


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"randint": [0, 1]}, "randint from 0 to 1 has the one value 0, for high is exclusive: write [0, 2] for two"),
        ({"lograndint": [3, 4]}, "lograndint from 3 to 4 has the one value 3, for high is exclusive: write [3, 5]"),
        ({"qrandint": [2, 7, 4]}, "qrandint from 2 to 7 has the one value 4: widen it, or write the constant 4"),
    ],
)
def test_a_range_of_one_value_draws_a_warning(form: Any, says: str) -> None:
    warnings = load({**MINIMAL, "parameters": {"lr": {"loguniform": [1e-4, 1]}, "n": form}}).warnings()
    assert [warning.startswith(f"parameters/n: {says}") for warning in warnings] == [True]


@pytest.mark.parametrize(
    ("transfer", "where", "message"),
    [
        ({"hidden": 1}, "transfer/hidden", "cannot change while the weights go on; allowed: batch_size, lr"),
        ({"batchsize": 0.5}, "transfer/batchsize", "(did you mean 'batch_size'?)"),
        ({"weight_decay": -1}, "transfer/weight_decay", "is no parameter of this sweep; add it to parameters"),
        ({"batch_size": 0.5}, "transfer/batch_size", "is no number in every config"),
        ({"lr": 3}, "transfer/lr", "is 3; "),
        ({"lr": "half"}, "transfer/lr", "is 'half'; write a number"),
    ],
)
def test_transfers_that_are_refused(transfer: Any, where: str, message: str) -> None:
    parameters = {"lr": {"loguniform": [1e-4, 1]}, "hidden": {"choice": [8, 16]}, "batch_size": {"choice": [8, "all"]}}
    [(at, _, said)] = violations(changed("parameters", parameters) | {"transfer": transfer})
    assert at == where
    assert message in said


def test_a_transfer_is_part_of_every_plan() -> None:
    raw = changed("rounds", {"count": 2, "stages": [[{"data": 1.0, "epochs": 3}]]}) | {"transfer": {"lr": 0.25}}
    spec = load(raw)
    assert [plan.transfer for plan in spec.plans] == [(("lr", 0.25),)] * 2
    assert load(spec.to_dict()) == spec
    assert load(MINIMAL).plan.transfer == ()
