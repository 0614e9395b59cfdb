"""The web application of a service."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.requests import Request

from service.interface.api import problems
from service.interface.api.counters import Counters
from service.interface.api.description import describe_all
from service.interface.api.guard.auth import Guarded, Public
from service.interface.api.guard.body_limits import BodyLimits
from service.interface.api.guard.hosts import Hosts
from service.interface.api.requests import Requests
from service.interface.api.routes import (
    events,
    heads,
    health,
    listings,
    logs,
    metrics,
    nodes,
    packages,
    queue,
    quotas,
    submissions,
    sweeps,
    tokens,
)
from service.interface.api.service_settings import PREFIX, ServiceSettings

VERSION = "1"
ROUTES = (sweeps, submissions, listings, packages, events, logs, queue, nodes, tokens, quotas, health, metrics)

description = APIRouter(prefix=PREFIX, route_class=Guarded)


@description.get("/openapi.json", include_in_schema=False)
def describe(who: Public, request: Request) -> dict[str, Any]:
    """The description of the API."""
    app: FastAPI = request.app
    return app.openapi()


def create_app(settings: ServiceSettings) -> FastAPI:
    """The application that answers for the service of ``settings``."""
    app = FastAPI(
        title="Sieve",
        version=VERSION,
        description="Hyperparameter sweeps that climb from coarse to fine. Every route but the health checks needs a "
        "token; errors are problem documents (RFC 9457).",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.settings = settings
    app.state.counters = Counters(settings.store)
    for module in ROUTES:
        app.include_router(module.router)
    app.include_router(description)
    app.include_router(heads.heads(settings.store, settings.failures))  # each head has a token of its own
    problems.install(app)
    paths = {f"{PREFIX}/packages/": settings.limits.packed, f"{PREFIX}/heads/": settings.batch}
    app.add_middleware(BodyLimits, most=settings.body, paths=paths)
    app.add_middleware(Hosts, names=settings.hosts, any_address=settings.any_address)
    app.add_middleware(Requests, counters=app.state.counters)
    describe_all(app)
    return app
