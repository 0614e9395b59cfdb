"""How large a request may be, by its path: counted as it comes in, whatever it says of itself."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.interface.api.problems import Refusal, answer

PACKED = (
    "leave out with a .sieveignore file what the task does not need, or let the service take more: "
    "sieve serve --max-package"
)


class BodyLimits:
    """Refuses bodies of more than ``most`` bytes with 413; ``paths`` have limits of their own by how they begin."""

    def __init__(self, app: ASGIApp, most: int, paths: Mapping[str, int]) -> None:
        self._app = app
        self._most = most
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = next((most for path, most in self._paths.items() if scope["path"].startswith(path)), self._most)
        said = Headers(scope=scope).get("content-length", "0")
        if said.isdecimal() and int(said) > most:
            cure = PACKED if "/packages/" in scope["path"] else "send less"
            refusal = Refusal(413, f"the body has {said} bytes, more than {most}", cure)
            await answer(refusal)(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise HTTPException(413, f"the body has more than {most} bytes")
            return message

        await self._app(scope, counted, send)
