"""What the head of a sweep has printed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from service.interface.api.auth import Guarded, Viewer
from service.interface.api.problems import Refusal, declared
from service.interface.api.settings import PREFIX, Here, Settings
from service.interface.api.sweeps import Name
from service.ledger.errors import UnknownSweep
from service.ledger.store import HEADED

router = APIRouter(prefix=PREFIX, tags=["sweeps"], route_class=Guarded)

_TEXT = {
    "description": "the text so far; with follow=1 it goes on until the head ends",
    "content": {"text/plain": {"schema": {"type": "string"}, "example": "trial 3: loss 0.21\n"}},
}


@router.get("/sweeps/{name}/logs", response_class=Response, responses={200: _TEXT, **declared(401, 404, 422, 503)})
async def read_logs(
    user: Viewer,
    here: Here,
    name: Name,
    follow: Annotated[bool, Query(description="go on while the head does")] = False,
) -> Response:
    """The log of the newest head of a sweep."""
    text = await run_in_threadpool(_text, here, name)
    if not follow:
        return Response(text, media_type="text/plain")
    if here.listeners >= here.streams:
        raise Refusal(503, f"{here.listeners} streams are open, as many as may be", "try again later")
    return StreamingResponse(_following(here, name, text), media_type="text/plain")


def _text(here: Settings, name: str) -> str:
    sweep = here.store.sweep(name)
    if here.logs is None:
        raise Refusal(
            404, f"the log of {name} is not to be had here: this service starts no heads", "look where it runs"
        )
    return "".join(here.logs(sweep))


async def _following(here: Settings, name: str, text: str) -> AsyncIterator[bytes]:
    """What is there, then what is new each time one looks; a log that begins anew is sent anew."""
    here.listeners += 1
    try:
        sent = ""
        while True:
            new = text[len(sent) :] if text.startswith(sent) else text
            if new:
                yield new.encode("utf-8", "replace")
            sent = text
            if here.stop.is_set() or not await run_in_threadpool(_goes_on, here, name):
                return
            await anyio.sleep(2 * here.interval)
            text = await run_in_threadpool(_text, here, name)
    except UnknownSweep:  # removed meanwhile
        return
    finally:
        here.listeners -= 1


def _goes_on(here: Settings, name: str) -> bool:
    return here.store.sweep(name).state in HEADED
