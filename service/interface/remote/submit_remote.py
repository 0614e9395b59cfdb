"""From a spec and a folder to a sweep in the queue of a service."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from service.interface.code_package import MOST, Package, pack
from service.interface.code_package.revision import revision
from service.interface.remote.connection import Call, Connection
from service.interface.remote.problem_errors import SpentKey
from service.interface.remote.static_task import glance
from service.spec import Source, Spec, load
from service.spec.errors import UserError
from service.states import SWEEP_RESUMABLE, SweepState

ZIP = {"Content-Type": "application/zip"}
CREATED = 201


@dataclass(frozen=True)
class RemoteSubmission:
    """A submission: a spec, the folder of its code, whether to ``check`` that it has the task, most bytes of it."""

    source: Source
    project: Path
    check: bool = True
    max_package: int = MOST


@dataclass(frozen=True)
class QueuedSweep:
    """A sweep at a service. ``new``: it was not there before; ``notes`` are a line each.

    ``why`` is the reason of its ``state``; ``before`` the state that it went on from, None where it did not have to.
    """

    name: str
    state: SweepState
    new: bool
    notes: tuple[str, ...] = ()
    why: str = ""
    before: SweepState | None = None


def submit(connection: Connection, submission: RemoteSubmission) -> QueuedSweep:
    """Checks what can be checked here, sends the code if the service has it not yet, and queues the sweep.

    The submission is named by its content, so that sent again it is the same; one that is paused or failed goes on.

    Raises:
        SpecError: the spec breaks a rule.
        UserError: the code cannot travel, or the service refuses.
    """
    spec = load(submission.source)
    project = submission.project.resolve()
    notes = [*spec.warnings(), *_checked(spec, project, submission)]
    with tempfile.TemporaryDirectory(prefix="sieve-") as folder:
        package = pack(project, Path(folder) / "code.zip", submission.max_package)
        _send(connection, package)
    answer, new = _queue(connection, spec, package, project)
    told = tuple(dict.fromkeys([*notes, *package.notes, *answer.get("warnings", ())]))
    before = answer["state"] if answer["state"] in SWEEP_RESUMABLE else None
    if before is not None:
        answer = _resumed(connection, spec.name)
    return QueuedSweep(answer["name"], answer["state"], new, told, answer.get("why") or "", before)


def _resumed(connection: Connection, name: str) -> dict[str, Any]:
    """What the service says of a sweep that is to go on, unless someone else made it go on before."""
    found: dict[str, Any]
    try:
        found = connection.json(Call("POST", ("sweeps", name, "wish"), body={"wish": "resume"}))
    except UserError:
        found = connection.json(Call("GET", ("sweeps", name)))
        if found["state"] in SWEEP_RESUMABLE:
            raise
    return found


def _send(connection: Connection, package: Package) -> None:
    path = ("packages", package.sha256)
    if not connection.exists(Call("HEAD", path)):
        connection.json(Call("PUT", path, file=package.path, headers=ZIP))


def _queue(connection: Connection, spec: Spec, package: Package, project: Path) -> tuple[dict[str, Any], bool]:
    origin = revision(project)
    body = {"spec": spec.to_dict(), "package": package.sha256, "commit": origin.commit, "diff": origin.diff}
    named = hashlib.sha256(json.dumps([body["spec"], package.sha256], sort_keys=True).encode()).hexdigest()
    try:
        status, answer = connection.answer(Call("POST", ("sweeps",), body=body, headers={"Idempotency-Key": named}))
    except SpentKey:  # the sweep got other code meanwhile, and is to have this again
        again = {"Idempotency-Key": f"{named[:32]}-{uuid4().hex}"}
        status, answer = connection.answer(Call("POST", ("sweeps",), body=body, headers=again))
    return answer, status == CREATED


def _checked(spec: Spec, project: Path, submission: RemoteSubmission) -> Iterator[str]:
    """Warnings about the task, from a look at its code: to load it would take seconds, and all that trains it."""
    if submission.check:
        yield from glance(spec, project, submission.source)
