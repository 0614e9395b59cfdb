"""Import of a task by ``module:Name`` from a project folder, with errors that say the cure."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import Any

from trainables.adapters.library import LibraryTask
from trainables.errors import TaskError
from trainables.exits import caught, without_arguments
from trainables.nearest import nearest
from trainables.task import Task, TaskFunction
from trainables.worker import project_modules

EXTRAS = {"lightning": "lightning", "pytorch_lightning": "lightning", "transformers": "hf", "accelerate": "hf"}
"""The extra of Sieve that installs each package."""

ADAPTERS = {"lightning": "trainables.lightning.LightningTask", "hf": "trainables.huggingface.TransformersTask"}
"""The task class for the packages of each extra."""


def resolve(reference: str, project: str) -> Task | LibraryTask | TaskFunction:
    """The task that ``reference`` names, imported with the folder ``project`` first in ``sys.path``.

    Returns an instance of a subclass of `Task` or `LibraryTask`, or the function itself.

    Raises:
        TaskError: it cannot be imported, is not there, or is no task; or the project has a package named as Sieve's.
    """
    return _task(reference, find(reference, project))


def find(reference: str, project: str, what: str = "task") -> Any:
    """The object that ``reference``, ``module:Name``, names in the folder ``project``; errors call it a ``what``.

    Raises:
        TaskError: it cannot be imported or is not there; or the project has a package named as Sieve's.
    """
    module_name, colon, name = reference.partition(":")
    if not (colon and module_name and name):
        raise TaskError(
            f"{what} is {reference!r}", "write it as module:Class, e.g. mytask:MyTask for a class in mytask.py"
        )
    folder = Path(project).resolve()
    _refuse_our_names(folder)
    module = _import(module_name, folder, what)
    try:
        return getattr(module, name)
    except AttributeError:
        public = [key for key in vars(module) if not key.startswith("_")]
        file = Path(getattr(module, "__file__", None) or module_name)
        raise TaskError(
            f"{what} {reference}: {module_name} has no {name}{nearest(name, public)}",
            f"define it in {file.relative_to(folder) if file.is_relative_to(folder) else file}",
        ) from None


def _task(reference: str, found: Any) -> Task | LibraryTask | TaskFunction:
    if inspect.isclass(found) and issubclass(found, (Task, LibraryTask)):
        missing = sorted(found.__abstractmethods__)
        if missing:
            raise TaskError(f"task {reference} does not define {' and '.join(missing)}", "add the method")
        try:
            with caught(f"task {reference}"):
                return found()
        except TaskError:
            raise
        except Exception as error:
            raise TaskError(
                f"task {reference} cannot be made: {type(error).__name__}: {error}",
                "its constructor must work without arguments",
            ) from error
    if inspect.isfunction(found):
        _check_plain(reference, found)
        try:
            inspect.signature(found).bind({}, None)
        except TypeError:
            raise TaskError(
                f"task {reference} takes {inspect.signature(found)}", f"write def {found.__name__}(config, stage)"
            ) from None
        return found
    kind = f"class {found.__name__}" if inspect.isclass(found) else type(found).__name__
    raise TaskError(
        f"task {reference} is a {kind}", f"name a subclass of {_wanted(found)} or a function of (config, stage)"
    )


def _check_plain(reference: str, found: TaskFunction) -> None:
    """See that the function runs when it is called, and takes its arguments in their order."""
    if inspect.iscoroutinefunction(found) or inspect.isasyncgenfunction(found):
        raise TaskError(f"task {reference} is an async function", "call asyncio.run(...) in a plain one")
    if inspect.isgeneratorfunction(found):
        raise TaskError(f"task {reference} is a generator", "call stage.report({...}) in place of yield")
    if [*inspect.signature(found).parameters][:2] == ["stage", "config"]:
        raise TaskError(f"task {reference} takes (stage, config)", f"write def {found.__name__}(config, stage)")


def _wanted(found: Any) -> str:
    bases = found.__mro__ if inspect.isclass(found) else ()
    extras = {EXTRAS.get(base.__module__.partition(".")[0]) for base in bases}
    adapted = next((name for extra, name in ADAPTERS.items() if extra in extras), None)
    return adapted or "trainables.task.Task"


def _import(module_name: str, folder: Path, what: str) -> ModuleType:
    project_modules.enter(folder)
    project_modules.forget_namesake(module_name.partition(".")[0], folder)
    try:
        with caught(f"{what} module {module_name}"), without_arguments(module_name):
            module = importlib.import_module(module_name)
        project_modules.notice(folder)
        return module
    except TaskError:
        raise
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            there = _modules(module_name, folder)
            first = "" if there or what != "task" else "; `sieve init` writes a first task and sweep"
            raise TaskError(
                f"{what} module {module_name} is not found from {folder}{nearest(module_name, there)}",
                f"run from the folder that holds it, or correct the name{first}",
            ) from None
        extra = EXTRAS.get((error.name or "").partition(".")[0])
        cure = f"from a checkout of Sieve: pip install '.[{extra}]'" if extra else "install it where Sieve runs"
        raise TaskError(f"{what} module {module_name} imports {error.name}, which is not installed", cure) from error
    except Exception as error:
        raise TaskError(
            f"{what} module {module_name} fails on import: {type(error).__name__}: {error}",
            f"`python -c 'import {module_name}'` in {folder} shows where",
        ) from error


def _modules(module_name: str, folder: Path) -> list[str]:
    parent, _, _ = module_name.rpartition(".")
    path, prefix = folder.joinpath(*parent.split(".")), f"{parent}." if parent else ""
    return [module.name for module in pkgutil.iter_modules([str(path)], prefix)]


def _refuse_our_names(folder: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    if folder == root:
        return
    for name in project_modules.OURS:
        package, module = folder / name, folder / f"{name}.py"
        if module.exists() or next(package.glob("*.py"), None) is not None:
            raise TaskError(
                f"the project folder {folder} has a package or module {name}, which is also a part of Sieve",
                "rename yours, or run from another folder",
            )
