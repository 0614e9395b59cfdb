"""What is checked before a sweep exists: its task can be found, its data loaded and cut into the stages."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from service.spec import Spec
from service.spec.errors import UserError


@dataclass(frozen=True)
class Checked:
    """``description`` in plain data; ``data`` to share with the workers, None for a task that loads its own."""

    description: dict[str, Any]
    data: Any | None


_checked: dict[tuple[str, str, str], Checked] = {}


def check(spec: Spec, project: str) -> Checked:
    """Resolve the task of ``spec`` from the folder ``project`` and load its data, once per process.

    Raises:
        UserError: the task cannot be imported or is none, or a stage cannot be cut from its data.
    """
    stages = [asdict(stage) for stage in spec.plan.stages]
    key = (spec.task, project, repr(stages))
    if key not in _checked:
        from trainables.errors import TaskError
        from trainables.staged import describe_task

        try:
            _checked[key] = Checked(*describe_task(spec.task, project, stages, spec.search.seed))
        except TaskError as error:
            raise UserError(str(error)) from error
    return _checked[key]
