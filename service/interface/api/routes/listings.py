"""The results of a sweep as tables: a route for each of its DataFrames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from service.interface.api import formats
from service.interface.api.guard.auth import Guarded, Viewer
from service.interface.api.problems import declared
from service.interface.api.routes.sweeps import Name
from service.interface.api.service_settings import PREFIX, Here
from service.ledger.results.results import Results

router = APIRouter(prefix=PREFIX, tags=["results"], route_class=Guarded)

LISTINGS = {
    "trials": (Results.trial_rows, Results.trials, "A row per trial, by number."),
    "decisions": (Results.decision_rows, Results.decisions, "A row per decision, in the order they fell."),
    "stages": (Results.stage_rows, Results.stages, "A row per stage: its plan and what it is worth."),
    "spaces": (Results.space_rows, Results.spaces, "A row per round and parameter, in order."),
}
_RESPONSES = formats.RESPONSES | declared(401, 404, 406)
_EXAMPLE = {"items": [{"trial": 1, "state": "FINISHED", "val_accuracy": 0.97, "config/lr": 0.1}]}
_JSON = {"schema": {"$ref": "#/components/schemas/Rows"}, "example": _EXAMPLE}
_ROWS: dict[str, Any] = {"responses": {"200": {"content": {formats.JSON: _JSON}}}}


def _listing(what: str) -> Callable[..., Response]:
    rows, frame, told = LISTINGS[what]

    def listing(user: Viewer, here: Here, request: Request, name: Name) -> Response:
        form, results = formats.accepted(request), Results(here.store)
        here.store.sweep(name)
        return formats.respond(form, lambda: rows(results, name), lambda: frame(results, name))

    listing.__name__, listing.__doc__ = f"list_{what}", told
    return listing


for _what in LISTINGS:
    router.add_api_route(
        f"/sweeps/{{name}}/{_what}", _listing(_what), response_class=Response, responses=_RESPONSES, openapi_extra=_ROWS
    )


@router.get("/sweeps/{name}/best", response_class=Response, responses=_RESPONSES | declared(422), openapi_extra=_ROWS)
def list_best(
    user: Viewer,
    here: Here,
    request: Request,
    name: Name,
    n: Annotated[int, Query(ge=1, le=100_000, description="at most so many")] = 1,
) -> Response:
    """The best of the trials that finished the last stage, best first."""
    form, results = formats.accepted(request), Results(here.store)
    here.store.sweep(name)
    return formats.respond(form, lambda: results.best_rows(name, n), lambda: results.best(name, n))


@router.get("/sweeps/{name}/history", response_class=Response, responses=_RESPONSES, openapi_extra=_ROWS)
def list_history(user: Viewer, here: Here, request: Request, name: Name) -> Response:
    """A row per report, in the order they came in; sent as it is written, for there may be millions."""
    form, results = formats.accepted(request), Results(here.store)
    from service.ledger.results import arrow

    return formats.respond_table(form, arrow.table(results.history(name)))
