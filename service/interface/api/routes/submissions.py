"""Submissions and what a person wants of a sweep afterwards. The user's code is kept, and never imported here."""

from __future__ import annotations

import logging
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from service.engine.control.sweep import extend_in
from service.engine.control.wishes import express
from service.engine.submit.served import Nodes, SubmittedSpec, receive
from service.interface.api.guard.auth import Guarded, Submitter
from service.interface.api.guard.plain_text import PlainText, checked
from service.interface.api.problems import declared
from service.interface.api.routes.sweep_views import EXAMPLE, SPEC, STATUS, SweepDetail
from service.interface.api.routes.sweeps import Name, detail
from service.interface.api.service_settings import PREFIX, Here, ServiceSettings
from service.spec.states import PersonWish

router = APIRouter(prefix=PREFIX, tags=["sweeps"], route_class=Guarded)

PACKAGE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 in hex")]


class SubmissionForm(BaseModel):
    """A sweep to queue: its spec as JSON (see `sieve schema`), the package of its code, and where that is from."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"spec": SPEC, "package": PACKAGE, "commit": None, "diff": None}]},
    )

    spec: dict[str, Any]
    package: Sha256
    commit: Annotated[PlainText | None, Field(max_length=200, description="git commit of the code")] = None
    diff: Annotated[PlainText | None, Field(max_length=1 << 19, description="what the code holds beyond it")] = None


class Accepted(SweepDetail):
    """The sweep; ``warnings`` are what is strange about its spec, but allowed."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**EXAMPLE, "diff": "", "status": STATUS, "warnings": []}]}
    )

    warnings: list[str]


class Wish(BaseModel):
    """What a person wants: pause keeps all for later, resume goes on, stop ends it well, cancel ends it for good."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"wish": "pause"}]})

    wish: PersonWish


class Extension(BaseModel):
    """So many more trials, in this round and each to come."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"trials": 16}]})

    trials: Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class Undone(BaseModel):
    """The round that the narrowing which was taken back was for; rounds count from 0."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"round": 1}]})

    round: int


@router.post(
    "/sweeps",
    status_code=201,
    responses={200: {"model": Accepted, "description": "the sweep was there"}, **declared(401, 403, 409, 413, 422)},
)
def submit(
    user: Submitter,
    here: Here,
    response: Response,
    submitted: SubmissionForm,
    idempotency_key: Annotated[
        PlainText | None,
        Header(max_length=200, description="names the submission: sent again it is the same", examples=["5f2c"]),
    ] = None,
) -> Accepted:
    """Queue a sweep. The same spec again is the same sweep (200); a larger one extends it."""
    here.packages.folder(submitted.package)
    submission = SubmittedSpec(
        checked(submitted.spec), user.name, submitted.package, submitted.commit, submitted.diff, idempotency_key
    )
    received = receive(here.store, submission, _nodes(here), here.discard)
    response.status_code = 201 if received.new else 200
    whole = detail(here, received.sweep.name)
    return Accepted(**dict(whole), warnings=list(received.warnings))


@router.post("/sweeps/{name}/wish", status_code=202, responses=declared(401, 403, 404, 409, 422))
def wish(user: Submitter, here: Here, name: Name, wish: Wish) -> SweepDetail:
    """Pause, resume, stop or cancel a sweep, for its owner and admins. A head hears it within seconds."""
    user.insist(here.store.sweep(name))
    express(here.store, name, wish.wish, user.name)
    return detail(here, name)


@router.post("/sweeps/{name}/extend", responses=declared(401, 403, 404, 409, 422))
def extend(user: Submitter, here: Here, name: Name, extension: Extension) -> SweepDetail:
    """Give a sweep more trials; one that had ended waits in the queue again. Not while a head has it."""
    user.insist(here.store.sweep(name))
    extend_in(here.store, name, extension.trials, lambda _: True)
    return detail(here, name)


@router.post("/sweeps/{name}/space/undo", responses=declared(401, 403, 404, 422))
def undo_space(user: Submitter, here: Here, name: Name) -> Undone:
    """Take the newest narrowing of a sweep's space back: the next round begins with the space before it."""
    user.insist(here.store.sweep(name))
    return Undone(round=here.store.undo_space(name).round)


def _nodes(here: ServiceSettings) -> Nodes | None:
    """The nodes as far as they are known: a cluster that is down now does not refuse what may run later."""
    if here.inventory is None:
        return None
    try:
        return here.inventory()
    except Exception as error:
        logging.getLogger("service.api").warning("the cluster's nodes are not known: %s", error)
        return None
