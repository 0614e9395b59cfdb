"""Sweeps: listing them, looking at one, changing its share, removing it."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from service.interface.api import formats
from service.interface.api.guard.auth import Guarded, Submitter, Viewer
from service.interface.api.problems import declared
from service.interface.api.routes.sweep_views import SPEC, SweepDetail, SweepPage, SweepView
from service.interface.api.service_settings import PREFIX, Here
from service.ledger.results import rows
from service.ledger.results.status import snapshot
from service.spec.states import SweepState

router = APIRouter(prefix=PREFIX, tags=["sweeps"], route_class=Guarded)

Name = Annotated[str, Path(description="the name of a sweep", examples=["digits"], max_length=63)]


class ShareChange(BaseModel):
    """What a sweep is to have on a shared cluster; what is left out or null stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"priority": 10, "weight": 2.0}]})

    priority: Annotated[StrictInt | None, Field(ge=-100, le=100, description="higher ones come first")] = None
    weight: Annotated[float | None, Field(gt=0, le=1000, strict=True, allow_inf_nan=False)] = None


@router.get("/sweeps", response_model=SweepPage, responses=formats.RESPONSES | declared(401, 404, 406, 422))
def list_sweeps(
    user: Viewer,
    here: Here,
    request: Request,
    state: Annotated[SweepState | None, Query(description="only those in this state")] = None,
    owner: Annotated[str | None, Query(description="only those of this person", max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most so many")] = 100,
    before: Annotated[str | None, Query(description="only those older than this one", max_length=63)] = None,
) -> Any:
    """Some sweeps, newest first: as a page of views, or as a table by Accept."""
    form = formats.accepted(request)
    records = here.store.page(state=state, owner=owner, limit=limit, before=before)
    counts = here.store.counts([record.name for record in records])
    last = records[-1].name if len(records) == limit else None
    if form == formats.JSON:
        views = [SweepView.of(record, counts[record.name]) for record in records]
        return SweepPage(items=views, next=last)
    from service.ledger.results import frames

    table = [rows.sweep_row(record, counts[record.name]) for record in records]
    return formats.respond(form, lambda: table, lambda: frames.frame(table, frames.SWEEPS))


@router.get("/sweeps/{name}", responses=declared(401, 404))
def get_sweep(user: Viewer, here: Here, name: Name) -> SweepDetail:
    """A sweep and where it stands."""
    return detail(here, name)


def detail(here: Here, name: str) -> SweepDetail:
    """The sweep ``name`` in full. Raises UnknownSweep."""
    store = here.store
    sweep, trials = store.sweep(name), store.trials(name)
    status = snapshot(sweep, trials, store.milestones(name), time.time())
    return SweepDetail.of(sweep, status.counts, diff=sweep.diff, status=status)


@router.get(
    "/sweeps/{name}/spec",
    responses={200: {"content": {"application/json": {"example": SPEC}}}, **declared(401, 404)},
)
def get_spec(user: Viewer, here: Here, name: Name) -> dict[str, Any]:
    """The whole spec, defaults included."""
    return here.store.sweep(name).spec


@router.patch("/sweeps/{name}", responses=declared(401, 403, 404, 422))
def change_share(user: Submitter, here: Here, name: Name, share: ShareChange) -> SweepDetail:
    """Another priority or weight, for the owner and admins."""
    user.insist(here.store.sweep(name))
    here.store.update(name, share.priority, share.weight)
    return detail(here, name)


@router.delete("/sweeps/{name}", status_code=204, responses=declared(401, 403, 404, 409))
def remove_sweep(user: Submitter, here: Here, name: Name) -> Response:
    """Remove a sweep with its trials, reports and checkpoints; not while a head has it."""
    user.insist(here.store.sweep(name))
    here.store.remove(name, lambda _: True)
    here.discard(name)
    return Response(status_code=204)
