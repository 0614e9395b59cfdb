"""A sweep by stock Ray Tune, HyperOptSearch with ASHAScheduler, as its user would write it around the same training.

    .venv/bin/python scripts/bench/stock.py FOLDER

FOLDER has ``spec.json``, a spec of Sieve; ``found.json`` is written beside it: how many trials began, the reports as
(seconds since the epoch, value of the metric), and the best config. A target of the metric ends it.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.hyperopt import HyperOptSearch

import service
from service.policy.search.domains import to_tune
from service.spec.models import Metric
from trainables.worker.loading import describe_task

ROOT = Path(__file__).parents[2]


class Reached(tune.Stopper):  # type: ignore[misc]
    """Ends the experiment once a report reaches the target of ``metric``, if it has one."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.reached = False

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        self.reached = self.reached or self.metric.reached(result[self.metric.name], stage_end=True)
        return self.reached

    def stop_all(self) -> bool:
        return self.reached


class Record(tune.Callback):  # type: ignore[misc]
    """Notes each report as it comes in."""

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.trials: set[str] = set()
        self.points: list[tuple[float, float]] = []

    def on_trial_result(self, iteration: int, trials: list[Any], trial: Any, result: Any, **info: Any) -> None:
        self.trials.add(trial.trial_id)
        self.points.append((time.time(), result[self.metric]))


def training(spec: service.Spec, epochs: int) -> Callable[..., None]:
    """The trainable: Sieve's own loop over all data for ``epochs`` epochs, a report after each."""

    def train(config: dict[str, Any], data: Any) -> None:
        from trainables.loop.training import Training
        from trainables.stages import Plan, Stage
        from trainables.worker.resolve import resolve

        # A parameter that is of no use with the others is proposed all the same, and left out here.
        config, task = spec.space.prune(config), resolve(spec.task, str(ROOT))
        run = Training(task, data.unpacked(), config, Plan((Stage(1.0, epochs),)), spec.search.seed)
        for _ in range(epochs):
            tune.report(run.run_epoch())

    return train


def main() -> None:
    folder = Path(sys.argv[1])
    spec = service.load(json.loads((folder / "spec.json").read_text()))
    epochs, record = round(spec.plan.total), Record(spec.metric.name)
    _, data = describe_task(spec.task, str(ROOT), spec.to_dict()["stages"], spec.search.seed)
    results = tune.Tuner(
        tune.with_parameters(training(spec, epochs), data=data),
        param_space=to_tune(spec.space),
        tune_config=tune.TuneConfig(
            metric=spec.metric.name,
            mode=spec.metric.goal[:3],
            num_samples=spec.search.trials,
            search_alg=HyperOptSearch(random_state_seed=spec.search.seed),
            scheduler=ASHAScheduler(max_t=epochs),
            time_budget_s=spec.budget.time,
        ),
        run_config=tune.RunConfig(storage_path=str(folder), callbacks=[record], stop=Reached(spec.metric), verbose=0),
    ).fit()
    best = results.get_best_result(scope="all").config
    found = {"trials": len(record.trials), "points": record.points, "config": best}
    (folder / "found.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
