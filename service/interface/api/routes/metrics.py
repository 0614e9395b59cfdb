"""Metrics for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST

from service.interface.api.counters import Counters
from service.interface.api.guard.auth import Guarded, Viewer
from service.interface.api.problems import declared

router = APIRouter(tags=["health"], route_class=Guarded)

_TEXT = {
    "description": "the text format of Prometheus",
    "content": {"text/plain": {"schema": {"type": "string"}, "example": 'sieve_sweeps{state="RUNNING"} 3.0\n'}},
}


@router.get("/metrics", response_class=Response, responses={200: _TEXT, **declared(401)})
def metrics(user: Viewer, request: Request) -> Response:
    """Requests by route and status, sweeps by state, the length of the queue."""
    counters: Counters = request.app.state.counters
    return Response(counters.text(), media_type=CONTENT_TYPE_LATEST)
