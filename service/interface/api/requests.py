"""A line in the log for each request, and what the metrics count of it. No secret is in either."""

from __future__ import annotations

import logging
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.interface.api.counters import Counters
from service.interface.api.service_settings import PREFIX

SAFE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
)
LOGGER = logging.getLogger("service.api")
UNKNOWN = "unknown"


OFTEN = (f"{PREFIX}/heads/", "/healthz", "/readyz")
"""Routes that heads and probes ask every second or so; what went well there is for debugging alone."""


class Requests:
    """Logs and counts every request. Queries and headers are not logged, as they may hold secrets."""

    def __init__(self, app: ASGIApp, counters: Counters) -> None:
        self._app = app
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message["headers"], *SAFE, *_uncached(message)]}
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            self._note(scope, status, time.monotonic() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        template = template_of(scope)
        self._counters.observe(scope["method"], template, status, seconds)
        client = (scope.get("client") or ("-",))[0]
        path = scope.get("raw_path", scope["path"].encode()).decode("ascii", "backslashreplace")[:300]
        user = scope.get("sieve.user", "-")
        often = status < 400 and template.startswith(OFTEN)
        LOGGER.log(
            logging.DEBUG if often else logging.INFO,
            "%s %r %s %s %d %.0f ms",
            client,
            user,
            scope["method"],
            path,
            status,
            1000 * seconds,
        )


def template_of(scope: Scope) -> str:
    """The path of the route that a request came to, as it is declared; so there are few of them."""
    route: Any = scope.get("route")
    return getattr(route, "path_format", UNKNOWN) if route is not None else UNKNOWN


def _uncached(message: Message) -> list[tuple[bytes, bytes]]:
    known = {name.lower() for name, _ in message["headers"]}
    return [] if b"cache-control" in known else [(b"cache-control", b"no-store")]
