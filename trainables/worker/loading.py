"""Loading of a task and its data by name: once per worker process, and once for the head's check.

Torch is imported inside the functions only, as the head imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.datasets.downloads import data_folder
from trainables.errors import StageError, TaskError, told
from trainables.exits import caught
from trainables.loop.assignment import Assignment, plan_of
from trainables.worker import project_modules

if TYPE_CHECKING:
    from trainables.adapters.library import LibraryTask
    from trainables.data import Data
    from trainables.task import Task, TaskFunction

_loaded: dict[tuple[str, str, Path | None], tuple[Task | LibraryTask | TaskFunction, Data | None]] = {}
"""The last task of this process and its data, by project, name and data directory."""


def refresh(project: str) -> None:
    """Let what comes next see the code and data of the folder ``project`` as they are now.

    For processes that outlive a sweep, as notebooks do. Within a sweep all trials are to train the same code.
    """
    project_modules.refresh(Path(project).resolve())
    _loaded.clear()


def describe_task(
    reference: str,
    project: str,
    stages: Sequence[Mapping[str, Any]],
    data_seed: int,
    later: Sequence[Sequence[Mapping[str, Any]]] = (),
    data_dir: str | None = None,
) -> tuple[dict[str, Any], Data | None]:
    """Load a task and check the stages, and those of ``later`` rounds, against its data.

    ``data_dir`` is the data directory as the spec names it; see `data_folder`.

    Returns a description (``task``, ``kind``: class, library or function, ``train`` and ``validation`` examples,
    ``classes``, ``stages``: training examples of each; None for a function, which loads its data itself) and the data
    to put into the object store, None if these are no arrays.

    Raises:
        TaskError: the task cannot be loaded or does not fit the stages.
    """
    import numpy as np

    from trainables.adapters.library import LibraryTask
    from trainables.data import length
    from trainables.task import Task
    from trainables.worker.resolve import resolve

    task = resolve(reference, project)
    if not isinstance(task, (Task, LibraryTask)):
        unknown = dict.fromkeys(("train", "validation", "classes", "stages"))
        return {"task": reference, "kind": "function", **unknown}, None
    task.data_dir = data_folder(data_dir, project)
    data = load_data(task, reference)
    description = {
        "task": reference,
        "kind": "class" if isinstance(task, Task) else "library",
        "train": length(data.train),
        "validation": length(data.validation),
        "classes": None if data.labels is None else len(np.unique(np.asarray(data.labels))),
        "stages": list(data.check(plan_of(stages), data_seed)),
    }
    for number, plan in enumerate(later):
        try:
            data.check(plan_of(plan), data_seed)
        except StageError as error:
            raise StageError(error.message, error.cure, error.stage, number) from None
    return description, data.packed() if data.sharable else None


def load(given: Assignment, shared: Sequence[Any]) -> tuple[Task | LibraryTask | TaskFunction, Data | None]:
    """The task of ``given`` and its data as tensors (None for a function), cached for later trials of this process.

    ``shared`` has one reference to packed data in Ray's object store, or none: then the task loads them.

    Raises:
        TaskError: the task cannot be loaded.
    """
    import ray

    from trainables.adapters.library import LibraryTask
    from trainables.task import Task

    key = (given.project, given.task, data_folder(given.data_dir, given.project))
    if key not in _loaded:
        task = told_its_folder(given)
        data = None
        if isinstance(task, (Task, LibraryTask)):
            data = (ray.get(shared[0]) if shared else load_data(task, given.task)).unpacked()
        _loaded.clear()
        _loaded[key] = (task, data)
    return _loaded[key]


def told_its_folder(given: Assignment) -> Task | LibraryTask | TaskFunction:
    """The task of ``given``, which knows where its data lie also if it is not asked for them: `model` may look there.

    Raises:
        TaskError: the task cannot be loaded.
    """
    from trainables.adapters.library import LibraryTask
    from trainables.task import Task
    from trainables.worker.resolve import resolve

    task = resolve(given.task, given.project)
    if isinstance(task, (Task, LibraryTask)):
        task.data_dir = data_folder(given.data_dir, given.project)
    return task


def load_data(task: Task | LibraryTask, reference: str) -> Data:
    """The result of ``task.data()``.

    Raises:
        TaskError: it raises, or returns no `Data`.
    """
    from trainables.data import Data
    from trainables.datasets.items import OWN
    from trainables.task import Task

    try:
        with caught(f"task {reference}: data()"):
            data = task.data()
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(f"task {reference}: data() fails: {told(error)}", "correct it") from error
    if not isinstance(data, Data):
        raise TaskError(
            f"task {reference}: data() returned a {type(data).__name__}", "return trainables.data.Data(...)"
        )
    if data.ragged and not (isinstance(task, Task) and not task.stacks):
        cure = OWN if isinstance(task, Task) else "give a dataset, whose items the library collates"
        raise TaskError(f"task {reference}: examples of Data.{data.ragged} differ in length", f"pad them, or {cure}")
    return data
