"""Liveness and readiness probes of the service, without authentication."""

from __future__ import annotations

import logging

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from service.interface.api.guard.auth import Guarded, Public
from service.interface.api.problems import Refusal, declared
from service.interface.api.service_settings import Here
from service.spec.errors import SieveError

router = APIRouter(tags=["health"], route_class=Guarded)


class Health(BaseModel):
    """All is well."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: str = "ok"


@router.get("/healthz")
def live(who: Public) -> Health:
    """The process answers."""
    return Health()


@router.get("/readyz", responses=declared(503))
def ready(who: Public, here: Here) -> Health:
    """The store answers, and what else the service needs; not while it ends."""
    if here.stop.is_set():
        raise Refusal(503, "the service ends")
    try:
        here.store.events.census()
    except SieveError as error:  # which names the database's host and user, and here asks who has no token
        logging.getLogger("service.api").warning("not ready: %s", error)
        raise Refusal(503, "the store does not answer", "see the log of the service") from None
    why = here.ailing()
    if why is not None:
        raise Refusal(503, why)
    return Health()
