"""Checks before submission: the searcher proposes, the task loads, its data have a subset for each stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from service.engine.state import user_searcher
from service.policy.cluster_share.request import most_processes, requests
from service.spec import Spec
from service.spec.errors import SpecError, UserError
from service.spec.models import TaskFacts
from service.spec.stage_plan.steps import StageSteps, batches, shares, stage_steps
from service.spec.yaml_file.document import refusal

if TYPE_CHECKING:
    from trainables.errors import TaskError


@dataclass(frozen=True)
class Misspelt:
    """A parameter ``name`` that looks like the ``key`` of the recipe, and is none."""

    name: str
    key: str

    @property
    def evidence(self) -> str:
        """The observation."""
        return f"parameters/{self.name}: is passed to the task alone; Sieve's loop reads {self.key}"

    @property
    def cure(self) -> str:
        """The advice."""
        return "rename it if that is meant"


@dataclass(frozen=True)
class Checked:
    """``misspelt`` are parameters that may be meant for Sieve's loop; ``data`` to share with the workers, None for a
    task that loads its own.

    ``facts`` and ``steps``, optimizer steps of each stage of the first plan, are known where Sieve's own loop trains.
    ``peak_bytes`` is the most memory of a GPU that a trial is known to take, None where it was not measured on one.
    """

    misspelt: tuple[Misspelt, ...]
    data: Any | None
    facts: TaskFacts | None = None
    steps: tuple[StageSteps, ...] = ()
    peak_bytes: int | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is allowed but probably a mistake, in words."""
        return tuple(f"{one.evidence}: {one.cure}" for one in self.misspelt)


_loaded: dict[tuple[str, str, str], tuple[Mapping[str, Any], Any | None]] = {}
"""Description and data of the tasks that were loaded."""


def afresh(project: str) -> None:
    """Let what comes next see the code and data of the folder ``project`` as they are now."""
    from trainables.worker.loading import refresh

    refresh(project)
    _loaded.clear()


def check(spec: Spec, project: str, source: object = None) -> Checked:
    """Resolve the task of ``spec`` from the folder ``project`` and load its data, once per process: see `afresh`.

    Where ``source`` is the path of a file, an error names its line.

    Raises:
        SpecError: the task cannot be imported or is none, a stage cannot be cut from its data, or a searcher of the
            user's own does not work.
    """
    _check_searcher(spec, project, source)
    key = _key(spec, project)
    if key not in _loaded:
        _loaded[key] = _load(spec, project, source)
    description, data = _loaded[key]
    if description["kind"] != "class":
        return Checked((), data)
    facts = TaskFacts(examples=description["train"], validation=description["validation"])
    sizes = batches(spec.space)
    steps = () if sizes is None else stage_steps(spec.plan, description["stages"], sizes)
    return Checked(_misspelt(spec), data, facts, tuple(steps))


def fitted(spec: Spec, project: str, source: object = None) -> Spec:
    """``spec`` with the facts of its task, and the plan of ``stages: auto`` made by them; raises as `check` does."""
    found = spec.fitted(check(spec, project, source).facts)
    if found is not spec and _key(found, project) not in _loaded:
        description, data = _loaded[_key(spec, project)]
        counts = shares(found.plan, description["train"])  # Enough for some steps, so that none is empty.
        _loaded[_key(found, project)] = {**description, "stages": counts}, data
    return found


def _key(spec: Spec, project: str) -> tuple[str, str, str]:
    return (spec.task, project, repr((spec.plans, spec.search.seed, most_processes(spec), spec.data_dir)))


def _load(spec: Spec, project: str, source: object) -> tuple[Mapping[str, Any], Any | None]:
    from trainables.errors import TaskError, told
    from trainables.worker.staged import describe_task

    stages, *later = [[asdict(stage) for stage in plan.stages] for plan in spec.plans]
    try:
        description, data = describe_task(spec.task, project, stages, spec.search.seed, later, spec.data_dir)
    except TaskError as error:
        raise placed(error, source) from error
    except Exception as error:
        untaken = TaskError(f"its data cannot be taken: {told(error)}", "correct data()")
        raise placed(untaken, source) from error
    _check_workers(spec, str(description["kind"]), source)
    return description, data


def is_known(spec: Spec, project: str) -> bool:
    """Whether `check` has loaded that task in this process."""
    return _key(spec, project) in _loaded


def _check_searcher(spec: Spec, project: str, source: object) -> None:
    try:
        user_searcher.check(spec, project)
    except UserError as error:
        raise refusal("search/algorithm", str(error), source) from error


def _check_workers(spec: Spec, kind: str, source: object) -> None:
    """Only Sieve's own loop, that of a task class, trains in several processes, or with values of each stage's own."""
    asked = max(requests(spec), key=lambda request: request.processes)
    if kind != "class" and spec.transfer:
        message = f"changes what Sieve's own loop trains with, but {spec.task} is a {kind}, which has another; leave it"
        raise refusal("transfer", f"{message} out", source)
    if kind != "class" and asked.processes > 1:
        gpus = f", which gets all {asked.gpu:g} GPUs" if asked.gpu else ""
        message = f"makes {asked.processes} processes of a trial, but {spec.task} is a {kind}, which trains in one"
        raise refusal("resources", f"{message}; write workers: 1{gpus}", source)


def placed(error: TaskError, source: object) -> SpecError:
    """A TaskError as a SpecError at the key it is about: a stage if it is about one, else the task."""
    from trainables.errors import StageError, TaskError

    if isinstance(error, StageError):
        return refusal(error.where, TaskError.__str__(error), source)
    return refusal("task", str(error).removeprefix("task "), source)


def _misspelt(spec: Spec) -> tuple[Misspelt, ...]:
    from trainables.recipe import misspelt

    names = [*(p.name for p in spec.space.parameters), *spec.space.constants]
    return tuple(Misspelt(name, key) for name, key in misspelt(names).items())
