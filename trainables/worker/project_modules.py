"""The modules of a task's project folder: loaded afresh where their files changed, and never mixed with another's.

Python keeps what it has imported. A notebook would go on with the code from before an edit, and of two projects that
both have a ``helpers.py`` the second would get the first one's.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import psutil

OURS = ("service", "cluster", "trainables")
"""Packages that are Sieve's own."""

INSTALLED = ("site-packages", "dist-packages")


class Stamp(NamedTuple):
    """What shows that a file is another one than before: its size in bytes, and when it changed, in nanoseconds."""

    file: str
    size: int
    changed: int


_folder: Path | None = None
"""The project folder that this process serves."""

_seen: dict[str, Stamp] = {}
"""The files of its modules as they were when these were noticed, by name of the module."""


def enter(folder: Path) -> None:
    """Make ``folder``, an absolute path, the one that tasks are imported from; modules of the one before are forgotten.

    Within one folder nothing is loaded again, so that all trials of a process train the same code: see `refresh`.
    """
    global _folder
    if sys.path[:1] != [str(folder)]:
        sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    if _folder not in (None, folder):
        _forget(_modules(_folder))
    _folder = folder


def forget_namesake(top: str, folder: Path) -> None:
    """Forget the package or module ``top`` where ``folder`` has another of that name."""
    loaded = sys.modules.get(top)
    spec = importlib.machinery.PathFinder.find_spec(top, [str(folder)])
    if loaded is None or spec is None or spec.origin in (None, getattr(loaded, "__file__", None)):
        return
    _forget({name: module for name, module in sys.modules.items() if name.partition(".")[0] == top})


def notice(folder: Path) -> None:
    """Remember the files of the modules of ``folder`` that are loaded now."""
    for name, module in _modules(folder).items():
        stamp, before = _stamp(module), _seen.get(name)
        if stamp is not None and (before is None or before.file != stamp.file):
            _seen[name] = stamp


def refresh(folder: Path) -> bool:
    """Forget all modules of ``folder`` if the file of one has changed since it was loaded; whether that was so.

    All of them, as those that did not change hold on to what they imported. A module that somebody else imported counts
    as changed if its file did since this process began. `__main__` and Sieve's own stay.
    """
    modules = _modules(folder)
    changed = {name: module for name, module in modules.items() if _has_changed(name, module)}
    if changed:
        _forget(modules)
        for module in changed.values():
            _drop_compiled(module)
    importlib.invalidate_caches()
    return bool(changed)


def _modules(folder: Path | None) -> dict[str, ModuleType]:
    """The loaded modules whose files lie in ``folder``, by name; without installed packages."""
    found = {}
    for name, module in list(sys.modules.items()):
        if name == "__main__" or name.partition(".")[0] in OURS or folder is None:
            continue
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and Path(file).is_relative_to(folder) and not {*INSTALLED} & {*Path(file).parts}:
            found[name] = module
    return found


def _has_changed(name: str, module: ModuleType) -> bool:
    now, before = _stamp(module), _seen.get(name)
    if now is None or (before is not None and before.file == now.file):
        return now != before
    return now.changed > 1e9 * _process_began()


def _stamp(module: ModuleType) -> Stamp | None:
    file = str(module.__file__)
    try:
        status = Path(file).stat()
    except OSError:
        return None
    return Stamp(file, status.st_size, status.st_mtime_ns)


@cache
def _process_began() -> float:
    return float(psutil.Process().create_time())


def _forget(modules: dict[str, ModuleType]) -> None:
    for name in modules:
        sys.modules.pop(name, None)
        _seen.pop(name, None)


def _drop_compiled(module: ModuleType) -> None:
    """Remove what Python compiled of ``module``: it tells versions apart by size and whole seconds only."""
    with suppress(OSError, NotImplementedError, ValueError):
        Path(importlib.util.cache_from_source(str(module.__file__))).unlink()
