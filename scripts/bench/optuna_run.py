"""A sweep by Optuna, TPESampler with HyperbandPruner, in processes that share a journal, as its user would write it.

    .venv/bin/python scripts/bench/optuna_run.py FOLDER WORKERS

FOLDER has ``spec.json``, a spec of Sieve. Every trial trains on all data by Sieve's loop, for as many epochs as one
that climbs every stage. Each report is a line of ``points-RANK.jsonl``: seconds since the epoch, value. Once one
reaches the target, all processes stop at their next report.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DONE = "done"


def suggest(trial: Any, space: Any) -> dict[str, Any]:
    """A flat config of the space; a parameter that others rule out is not suggested."""
    values = dict(space.constants)
    for parameter in sorted(space.parameters, key=lambda parameter: bool(parameter.when)):
        if parameter not in space.active(values):
            continue
        name, kind, args = parameter.name, parameter.kind, parameter.args
        if kind == "choice":
            values[name] = trial.suggest_categorical(name, list(args))
        elif kind in ("randint", "lograndint"):
            values[name] = trial.suggest_int(name, args[0], args[1] - 1, log=kind == "lograndint")
        elif kind in ("uniform", "loguniform"):
            values[name] = trial.suggest_float(name, *args, log=kind == "loguniform")
        else:
            raise ValueError(f"no counterpart of {kind}")
    return dict(space.prune(values))


def work(folder: Path, rank: int) -> None:
    """One of the processes."""
    import optuna
    import torch
    from optuna.storages.journal import JournalFileBackend

    import service
    from service.spec.flat import nest
    from trainables.loop.training import Training
    from trainables.stages import Plan, Stage
    from trainables.worker.loading import describe_task
    from trainables.worker.resolve import resolve

    torch.set_num_threads(1)
    spec = service.load(json.loads((folder / "spec.json").read_text()))
    epochs, metric = round(spec.plan.total), spec.metric
    task = resolve(spec.task, str(ROOT))
    _, packed = describe_task(spec.task, str(ROOT), spec.to_dict()["stages"], spec.search.seed)
    data = packed.unpacked()

    def objective(trial: Any) -> float:
        config = nest(suggest(trial, spec.space))
        run = Training(task, data, config, Plan((Stage(1.0, epochs),)), spec.search.seed)
        value = float("nan")
        for epoch in range(1, epochs + 1):
            value = run.run_epoch()[metric.name]
            with (folder / f"points-{rank}.jsonl").open("a") as out:
                out.write(json.dumps([time.time(), value]) + "\n")
            if metric.reached(value, stage_end=True):
                (folder / DONE).touch()
            if (folder / DONE).exists():
                study.stop()
                return value
            trial.report(value, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name="sweep",
        storage=optuna.storages.JournalStorage(JournalFileBackend(str(folder / "journal.log"))),
        direction=metric.goal,
        sampler=optuna.samplers.TPESampler(seed=spec.search.seed * 1000 + rank),
        pruner=optuna.pruners.HyperbandPruner(min_resource=1, max_resource=epochs),
        load_if_exists=True,
    )
    study.optimize(objective, n_trials=spec.search.trials, catch=(Exception,))


def main() -> None:
    folder, workers = Path(sys.argv[1]), int(sys.argv[2])
    if len(sys.argv) > 3:
        work(folder, int(sys.argv[3]))
        return
    started = [subprocess.Popen([sys.executable, *sys.argv, str(rank)]) for rank in range(workers)]
    sys.exit(max(process.wait() for process in started))


if __name__ == "__main__":
    main()
