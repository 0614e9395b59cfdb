"""YAHPO Gym's surrogates, read with onnxruntime and numpy alone (Pfisterer et al., 2022)."""

from __future__ import annotations

import json
import runpy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

_RBV2 = ["acc", "bac", "auc", "brier", "f1", "logloss", "timetrain", "timepredict", "memory"]
_LCBENCH = [
    "val_accuracy",
    "val_cross_entropy",
    "val_balanced_accuracy",
    "test_cross_entropy",
    "test_balanced_accuracy",
]
_MLP = ["batch_size", "learning_rate", "momentum", "weight_decay", "num_layers", "max_units", "max_dropout"]
_BOOSTING = ["nrounds", "eta", "gamma", "lambda", "alpha", "subsample", "max_depth", "min_child_weight"]
_DROPPING = ["colsample_bytree", "colsample_bylevel", "rate_drop", "skip_drop"]

# The order of the columns is part of each model and is written nowhere in its files (yahpo_gym 1.0.2).
COLUMNS: dict[str, dict[str, Any]] = {
    "lcbench": {
        "inst": "OpenML_task_id",
        "fid": ["epoch"],
        "cat": ["OpenML_task_id"],
        "cont": ["epoch", *_MLP],
        "time": "time",
        "y": ["time", *_LCBENCH],
    },
    "rbv2_xgboost": {
        "inst": "task_id",
        "fid": ["trainsize", "repl"],
        "cat": ["task_id", "booster", "num.impute.selected.cpo"],
        "cont": [*_BOOSTING, *_DROPPING, "trainsize", "repl"],
        "time": "timetrain",
        "y": _RBV2,
    },
    "rbv2_rpart": {
        "inst": "task_id",
        "fid": ["trainsize", "repl"],
        "cat": ["task_id", "num.impute.selected.cpo"],
        "cont": ["cp", "maxdepth", "minbucket", "minsplit", "trainsize", "repl"],
        "time": "timetrain",
        "y": _RBV2,
    },
}


def columns(data: Path, scenario: str) -> Mapping[str, Any]:
    """Names of the instance ``inst``, fidelities ``fid``, inputs ``cat`` and ``cont``, seconds ``time``, outputs ``y``.

    Taken from ``meta.json`` in the scenario's folder, else from :data:`COLUMNS`, else from ``META`` of a ``yahpo.py``
    beside the scenarios. Raises ValueError when none of them knows the scenario.
    """
    own, beside = data / scenario / "meta.json", data / "yahpo.py"
    if own.exists():
        return dict(json.loads(own.read_text()))
    if scenario in COLUMNS:
        return COLUMNS[scenario]
    known = runpy.run_path(str(beside))["META"] if beside.exists() else {}
    if scenario not in known:
        raise ValueError(
            f"the columns of scenario {scenario!r} are not known; write them to {own}, as COLUMNS has them"
        )
    return dict(known[scenario])


class Surrogate:
    """One scenario's model: configs with task and fidelity in, measured values out, on one thread."""

    def __init__(self, data: Path, scenario: str) -> None:
        """Read ``data/scenario``. Raises FileNotFoundError naming the file that is missing."""
        folder = data / scenario
        self.columns = columns(data, scenario)
        self.space: dict[str, Any] = json.loads((folder / "config_space.json").read_text())
        self._codes: dict[str, dict[str, int]] = json.loads((folder / "encoding.json").read_text())
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = (folder / "model.onnx").read_bytes()
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._inputs = [entry.name for entry in self._session.get_inputs()]
        self._output = self._session.get_outputs()[0].name

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """One array of ``len(rows)`` values for each output; values that do not count are simply missing in a row."""
        names, numbers = self.columns["cat"], self.columns["cont"]
        codes = [[self._codes[name][str(row.get(name, "#na#"))] for name in names] for row in rows]
        values = [[row.get(name, 0) for name in numbers] for row in rows]
        feed = dict(zip(self._inputs, (np.array(codes, np.int32), np.array(values, np.float32)), strict=True))
        table = self._session.run([self._output], feed)[0]
        return {name: table[:, index] for index, name in enumerate(self.columns["y"])}
