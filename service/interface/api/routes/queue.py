"""The queue: sweeps that run or wait to, and why they have not more."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from service.interface.api import formats
from service.interface.api.guard.auth import Guarded, Viewer
from service.interface.api.problems import declared
from service.interface.api.service_settings import PREFIX, Here
from service.ledger.records import SweepRecord
from service.ledger.results.results import Results
from service.ledger.store.store import Store
from service.spec.states import SWEEP_UNDER_WAY, SweepState

router = APIRouter(prefix=PREFIX, tags=["cluster"], route_class=Guarded)

_PAGE = 500
_EXAMPLE: dict[str, Any] = {
    "sweep": "digits",
    "owner": "ann",
    "state": "RUNNING",
    "priority": 0,
    "weight": 1.0,
    "slots": 4,
    "running": 4,
    "wanted": 8,
    "waits": "waiting: 4 of 8 GPUs are yours at weight 1; 4 trials of 8 may run",
}


class Place(BaseModel):
    """A sweep in the queue: ``slots`` it may use, trials ``running`` and ``wanted``, and what it ``waits`` for."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    sweep: str
    owner: str
    state: SweepState
    priority: int
    weight: float
    slots: int | None
    running: int | None
    wanted: int | None
    waits: str


class QueueView(BaseModel):
    """The queue, whoever comes first at the top: by priority, then by age."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE]}]})

    items: list[Place]


@router.get("/queue", response_model=QueueView, responses=formats.RESPONSES | declared(401, 406))
def get_queue(user: Viewer, here: Here, request: Request) -> Any:
    """Sweeps that run or wait to."""
    form, results = formats.accepted(request), Results(here.store)
    if form != formats.JSON:
        return formats.respond(form, results.queue_rows, results.queue)
    records = [record for state in SWEEP_UNDER_WAY for record in _all(here.store, state)]
    records.sort(key=lambda record: (-record.priority, record.created))
    return QueueView(items=[_place(record) for record in records])


def _place(record: SweepRecord) -> Place:
    shared = {key: getattr(record, key) for key in Place.model_fields if key != "sweep"}
    return Place(sweep=record.name, **shared)


def _all(store: Store, state: SweepState) -> list[SweepRecord]:
    found = page = store.page(state=state, limit=_PAGE)
    while len(page) == _PAGE:
        page = store.page(state=state, limit=_PAGE, before=page[-1].name)
        found = found + page
    return found
