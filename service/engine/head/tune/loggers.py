"""Tune's own logger callbacks, off unless the spec names them."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from service.spec.errors import UserError

LOGGERS = {
    "csv": ("ray.tune.logger:CSVLoggerCallback", None),
    "json": ("ray.tune.logger:JsonLoggerCallback", None),
    "tensorboard": ("ray.tune.logger:TBXLoggerCallback", "tensorboardX"),
    "mlflow": ("ray.air.integrations.mlflow:MLflowLoggerCallback", "mlflow"),
    "wandb": ("ray.air.integrations.wandb:WandbLoggerCallback", "wandb"),
}


def check(names: Sequence[str]) -> None:
    """See that what these loggers need is installed.

    Raises:
        UserError: a package is missing.
    """
    for name in names:
        package = LOGGERS[name][1]
        if package is not None and importlib.util.find_spec(package) is None:
            raise UserError(
                f"the logger {name} needs the package {package}, which is not installed",
                f"from a checkout of Sieve: pip install '.[{name}]', or leave {name} out of loggers",
            )


def create(names: Sequence[str], sweep: str, folder: Path) -> list[Any]:
    """Tune's callbacks for these names; file loggers write where Tune does, mlflow under ``folder``."""
    return [_create(name, sweep, folder) for name in names]


def _create(name: str, sweep: str, folder: Path) -> Any:
    module, _, attribute = LOGGERS[name][0].partition(":")
    logger = getattr(importlib.import_module(module), attribute)
    if name == "mlflow":
        return logger(experiment_name=sweep, tracking_uri=(folder / "mlruns").as_uri())
    return logger(project=sweep) if name == "wandb" else logger()
