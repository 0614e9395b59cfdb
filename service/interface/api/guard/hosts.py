"""Check of the Host header, against DNS rebinding: web pages of others may not call the service."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.interface.api.problems import Refusal, answer


class Hosts:
    """Answers only requests for ``names``, and with ``any_address`` for IP addresses, which DNS cannot rebind.

    A request for another host gets 421, one without a host 400.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], any_address: bool = False) -> None:
        self._app = app
        self._names = {name.lower() for name in names}
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).getlist("host")
        if len(given) != 1:
            await answer(Refusal(400, "the request names no host, or several", "send one Host header"))(
                scope, receive, send
            )
        elif self._allows(host := hostname(given[0])):
            await self._app(scope, receive, send)
        else:
            cure = f"use one of its names, or start it with: sieve serve --host-name {host}"
            await answer(Refusal(421, f"this service is not {host!r}", cure))(scope, receive, send)

    def _allows(self, host: str) -> bool:
        return host in self._names or (self._any_address and _is_address(host))


def hostname(value: str) -> str:
    """The name in a Host header, without port and brackets, in lower case."""
    name = value.strip().lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0].rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
