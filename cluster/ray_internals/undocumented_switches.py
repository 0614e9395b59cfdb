"""Environment variables of Ray that no page of its documentation lists. A Ray that knows one no more ignores it."""

from __future__ import annotations

from collections.abc import Iterable

HIDE_GPUS = {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1"}
"""Who asks for no GPU sees none; Ray's own warning names it. Else such a trial sees all GPUs of its node."""

START_FEW = {"RAY_prestart_worker_first_driver": "0"}
"""Nodes start workers as they are needed. Else the first driver has each node start one for every CPU."""

SYNC_QUIETLY = {"TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0"}
"""Tune does not mind snapshots of the experiment that come close together. Else it warns in the log."""


def preload(modules: Iterable[str]) -> dict[str, str]:
    """Workers import ``modules`` as they start, before they belong to a driver. Else they import them as needed."""
    return {"RAY_preload_python_modules": ",".join(modules)}
