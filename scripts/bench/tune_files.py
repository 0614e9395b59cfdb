"""An experiment on disk as Ray Tune leaves it, its state by Tune's own classes, without running anything."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ray.train._internal.storage import StorageContext
from ray.tune import PlacementGroupFactory
from ray.tune.experiment import Trial
from ray.tune.utils.serialization import TuneFunctionEncoder


def write(folder: Path, trials: int, reports: int) -> Path:
    """Write an experiment of ``trials`` trials with ``reports`` reports each below ``folder``; its path."""
    storage, states = StorageContext(str(folder), "tune"), []
    for number in range(trials):
        trial = _trial(storage, number)
        results = [_result(trial, number, epoch, done=epoch == reports) for epoch in range(1, reports + 1)]
        trial.run_metadata.last_result = results[-1]
        path = Path(trial.storage.trial_fs_path)
        path.mkdir(parents=True)
        (path / "result.json").write_text("".join(json.dumps(result) + "\n" for result in results))
        states.append(trial.get_json_state())
    state = {"trial_data": states, "runner_data": {}, "stats": {}}
    path = folder / "tune"
    (path / "experiment_state-2026-01-01_00-00-00.json").write_text(json.dumps(state, cls=TuneFunctionEncoder))
    return path


def _trial(storage: StorageContext, number: int) -> Trial:
    config = {
        "lr": (number * 7919 % 1000 + 1) / 1000,
        "layers": number % 8 + 1,
        "optimizer": ("adam", "sgd")[number % 2],
    }
    trial = Trial(
        "train",
        config=config,
        trial_id=f"{number:08x}",
        storage=storage,
        stub=True,
        placement_group_factory=PlacementGroupFactory([{"CPU": 1}]),
    )
    trial.create_placement_group_factory()
    trial.storage.trial_dir_name = f"train_{number:08x}"
    return trial


def _result(trial: Trial, number: int, epoch: int, done: bool) -> dict[str, Any]:
    """A result with all that Tune adds to what is reported."""
    return {
        "val_accuracy": ((number * 7919 + epoch * 104729) % 99991) / 99991,
        "val_loss": ((number * 104729 + epoch * 7919) % 99991) / 9999.1,
        "train_loss": ((number + epoch * 31) % 997) / 99.7,
        "timestamp": int(time.time()),
        "checkpoint_dir_name": None,
        "done": done,
        "training_iteration": epoch,
        "trial_id": trial.trial_id,
        "date": "2026-01-01_00-00-00",
        "time_this_iter_s": 2.5,
        "time_total_s": 2.5 * epoch,
        "pid": 4242,
        "hostname": "node",
        "node_ip": "127.0.0.1",
        "config": trial.config,
        "time_since_restore": 2.5 * epoch,
        "iterations_since_restore": epoch,
    }
