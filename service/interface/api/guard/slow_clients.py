"""HTTP/1.1 with a timeout for the heads of requests (slowloris), and problem documents for malformed ones."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.interface.api.problems import Refusal, answer

PATIENCE = 20.0
"""Seconds in which the head of a request must be whole, and the rest of an unread body must have come.
Else half a request would hold a connection for ever."""


class Protocol(H11Protocol):
    """The web server's own protocol, with a time limit for heads of requests and errors as problem documents."""

    _impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is lost (`asyncio.Protocol`)."""
        super().connection_lost(exc)
        self._calm()

    def data_received(self, data: bytes) -> None:
        """Data was received (`asyncio.Protocol`)."""
        super().data_received(data)
        self._watch()

    def send_400_response(self, msg: str) -> None:
        """Answer a malformed request, with a problem document of status 400."""
        self._refuse(Refusal(400, "this is no HTTP/1.1 request, or its headers are too long", "see what was sent"))

    def _watch(self) -> None:
        answering = self.cycle is not None and not self.cycle.response_complete
        if answering or self.transport.is_closing():
            self._calm()
        elif self._impatience is None:
            self._impatience = self.loop.call_later(PATIENCE, self._give_up)

    def _calm(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def _give_up(self) -> None:
        self._impatience = None
        self._refuse(Refusal(408, f"no whole request came in {PATIENCE:.0f} s", "send it faster"))

    def _refuse(self, refusal: Refusal) -> None:
        response = answer(refusal)
        headers: list[Any] = [*response.raw_headers, (b"connection", b"close")]
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):  # else an answer is on its way already
            for event in (
                h11.Response(status_code=response.status_code, headers=headers),
                h11.Data(data=bytes(response.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
