"""Curves that a function of the user's computes: a surrogate, a benchmark, a formula."""

from __future__ import annotations

import importlib
import importlib.util
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from service.engine.curves import Measurement
from service.spec.errors import UserError, nearest
from service.spec.flat import nest
from trainables.stages import Stage

CurveFunction = Callable[[dict[str, Any], float, int], tuple[float, float]]
"""``function(config, data, epoch) -> (value, seconds)``: see `Computed`."""

SIGNATURE = "write def {}(config, data, epoch): return value, seconds"


@dataclass(frozen=True)
class Computed:
    """The curve of any config, by ``function(config, data, epoch)``.

    It is called with the nested config as a task gets it, the fraction of the data and the epochs so far (from 1;
    within the stage where that starts fresh), and returns the value of ``metric`` (NaN: the trial diverged) with the
    seconds that this one epoch takes, >= 0.
    """

    function: CurveFunction
    metric: str
    source: str
    configs: None = None
    notes: tuple[str, ...] = ()

    def epoch(self, config: Mapping[str, Any], stage: Stage, epoch: int) -> Measurement:
        try:
            answer = self.function(nest(config), stage.data, epoch)
        except Exception as error:
            raise self._refusal(f"raised {type(error).__name__}: {error}", config, stage, epoch) from error
        try:
            value, seconds = (float(number) for number in answer)
        except (TypeError, ValueError):
            raise self._refusal(f"returned {answer!r}, no pair of numbers", config, stage, epoch) from None
        if not (math.isfinite(seconds) and seconds >= 0):
            raise self._refusal(f"says that the epoch took {seconds!r} seconds", config, stage, epoch)
        return Measurement({self.metric: value}, seconds)

    def _refusal(self, what: str, config: Mapping[str, Any], stage: Stage, epoch: int) -> UserError:
        call = f"config {nest(config)}, data {stage.data:g}, epoch {epoch}"
        return UserError(f"{self.source} {what} for {call}", "return (value, seconds of this epoch), seconds >= 0")


def read(source: str, metric: str) -> Computed:
    """The curves of ``path/to/file.py:function`` or ``module:function``, found from the current folder.

    Raises:
        UserError: there is no such function, or its file cannot be imported.
    """
    place, _, name = source.rpartition(":")
    module = _from_file(Path(place)) if place.endswith(".py") else _from_module(place)
    found = getattr(module, name, None)
    if not callable(found):
        functions = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        what = f"has no {name!r}{nearest(name, functions)}" if found is None else f"has {name!r}, but no function"
        raise UserError(f"{place} {what}", SIGNATURE.format(name or "curve"))
    return Computed(found, metric, source)


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        beside = [other.name for other in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise UserError(f"there is no file {str(path)!r}{nearest(path.name, beside)}", "check the path")
    name = f"_curves_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UserError(f"{str(path)!r} cannot be imported", "give it a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look a module up by its name
    sys.path.insert(0, str(path.parent.resolve()))
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _broken(str(path), error) from error
    return module


def _from_module(name: str) -> ModuleType:
    if not name:
        raise UserError("the source of curves names no module", "write module:function or path/to/file.py:function")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _broken(name, error) from error
        beside = [path.stem for path in Path.cwd().glob("*.py")]
        raise UserError(f"there is no module {name!r}{nearest(name, beside)} in {folder}", "check the name") from None
    except Exception as error:
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> UserError:
    return UserError(f"{name} cannot be imported: {type(error).__name__}: {error}", "mend the file")
