"""A small version of every example sweep runs on its real data."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

import trainables.tasks
from service.engine.control.sweep import run
from service.engine.submit.local import submit
from service.ledger.home import open_store
from service.policy.search.random_draw import draw
from service.spec import Spec, load
from service.spec.flat import nest
from trainables.loop.assignment import Assignment
from trainables.worker.staged import StagedTrainable, describe_task

FOLDER = Path(trainables.tasks.__file__).parent
EXAMPLES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
HEADED = ("adult", "fashion_mnist", "multi30k", "trec")
"""One of each kind is run by a head; its worker process costs seconds, so the others train in this one."""

NEEDS = {"cifar10": "cifar-10/cifar-10-python.tar.gz"}
"""Files of sets that the data directory of the tests may lack."""

SMALLER = {"multi30k": {"width": 16, "layers": 1, "heads": 2}}
"""Parameters held at a small value, for the sake of the tests' time."""


def small(name: str, data_dir: Path) -> Spec:
    """The example with two trials of one epoch on little data and one on more; the first is its known-good config."""
    needed = NEEDS.get(name)
    if needed is not None and not (data_dir / needed).is_file():
        pytest.skip(f"no data: {data_dir} has no {needed}")
    spec: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    held = SMALLER.get(name, {})
    initial = [{key: value for key, value in config.items() if key not in held} for config in spec["search"]["initial"]]
    return load(
        spec
        | {
            "data_dir": str(data_dir),
            "parameters": spec["parameters"] | held,
            "stages": [{"data": 0.02, "epochs": 1}, {"data": 0.03, "epochs": 1}],
            "search": spec["search"] | {"trials": 2, "algorithm": "random", "initial": initial},
            "schedule": {"algorithm": "promote", "reduction_factor": 2},
            "resources": {"max_concurrent": 1},
            "retries": 0,
        }
    )


@pytest.mark.parametrize("name", HEADED)
def test_the_small_version_runs(name: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIEVE_DATA", raising=False)
    spec = small(name, data_dir)
    submit(spec, tmp_path, project=tmp_path)
    assert run(spec.name, tmp_path).state == "SUCCEEDED"
    store = open_store(tmp_path)
    assert {"FINISHED"} <= {trial.state for trial in store.trials(spec.name)} <= {"FINISHED", "STOPPED"}
    assert all(report.metrics[spec.metric.name] >= 0 for report in store.reports(spec.name))


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in HEADED])
def test_the_small_version_trains(name: str, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its known-good config and one from its space climb the stages, as in a worker."""
    monkeypatch.delenv("SIEVE_DATA", raising=False)
    spec = small(name, data_dir)
    stages = [asdict(stage) for stage in spec.plan.stages]
    description, data = describe_task(spec.task, str(tmp_path), stages, 0, (), spec.data_dir)
    assert data is not None
    assert 0 < description["stages"][0] < description["stages"][1] < description["train"]
    for number, partial in enumerate([spec.search.initial[0], {}], 1):
        given = Assignment(
            config=nest(spec.space.complete(partial, draw(spec.space, 0, number))),
            trial=number,
            seed=number,
            metric=spec.metric.name,
            plan=spec.plan,
            task=spec.task,
            project=str(tmp_path),
            folder=tmp_path / str(number),
            data_dir=spec.data_dir,
        )
        trainable = StagedTrainable(given.to_dict())
        results = [trainable.step(), trainable.step()]
        assert [result["sieve"]["failure"] for result in results] == [None, None]
        assert [result["done"] for result in results] == [False, True]
        assert 0 < results[-1][spec.metric.name] <= 1


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_full_version_is_coarse_to_fine_from_a_known_good_config(name: str) -> None:
    path = FOLDER / f"{name}.yaml"
    spec = load(path)
    assert len(spec.plan) >= 3
    assert spec.search.initial
    assert spec.warnings() == []
    assert path.read_text().startswith("# "), "the first line says what it reaches, and in how long"
