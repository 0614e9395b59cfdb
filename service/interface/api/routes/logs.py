"""What the head of a sweep has printed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated

import anyio
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from service.interface.api.guard.auth import Guarded, Viewer
from service.interface.api.problems import Refusal, declared
from service.interface.api.routes.sweeps import Name
from service.interface.api.service_settings import PREFIX, Here, ServiceSettings
from service.ledger.errors import UnknownSweep
from service.spec.states import SWEEP_WITH_HEAD

router = APIRouter(prefix=PREFIX, tags=["sweeps"], route_class=Guarded)

MOST = 8 << 20
"""Characters of a log that are kept at least where it has more: trials may print without end."""

_TEXT = {
    "description": "the text so far; with follow=1 it goes on until the head ends",
    "content": {"text/plain": {"schema": {"type": "string"}, "example": "trial 3: loss 0.21\n"}},
}


@router.get("/sweeps/{name}/logs", response_class=Response, responses={200: _TEXT, **declared(401, 404, 422, 429)})
async def read_logs(
    user: Viewer,
    here: Here,
    name: Name,
    follow: Annotated[bool, Query(description="go on while the head does")] = False,
) -> Response:
    """The log of the newest head of a sweep."""
    log = await run_in_threadpool(_log, here, name)
    if not follow:
        return Response(log.since(0), media_type="text/plain")
    here.check_streams(user.name)
    return StreamingResponse(_following(here, user.name, name, log), media_type="text/plain")


@dataclass(frozen=True)
class LogTail:
    """The last ``text`` that the head of an attempt has printed, and how many characters there were ``before`` it."""

    attempt: int
    before: int
    text: str

    @property
    def end(self) -> int:
        """Characters in all."""
        return self.before + len(self.text)

    def since(self, heard: int) -> str:
        """What follows the first ``heard`` characters; what of it is not kept is counted."""
        lost = self.before - heard
        return f"… {lost} characters are left out\n{self.text}" if lost > 0 else self.text[-lost:]


def _log(here: ServiceSettings, name: str) -> LogTail:
    sweep = here.store.sweep(name)
    if here.logs is None:
        raise Refusal(
            404, f"the log of {name} is not to be had here: this service starts no heads", "look where it runs"
        )
    text, before = "", 0
    for piece in here.logs(sweep):
        text += piece
        if len(text) > 2 * MOST:
            text, before = text[-MOST:], before + len(text) - MOST
    return LogTail(sweep.attempt, before, text)


async def _following(here: ServiceSettings, user: str, name: str, log: LogTail) -> AsyncIterator[bytes]:
    """What is there, then what is new each time one looks; a log that begins anew is sent anew."""
    with here.listening(user):
        heard, attempt = 0, log.attempt
        while True:
            if log.attempt != attempt or log.end < heard:
                heard, attempt = 0, log.attempt
            if new := log.since(heard):
                yield new.encode("utf-8", "replace")
            heard = log.end
            if here.stop.is_set() or not await run_in_threadpool(_goes_on, here, name):
                return
            await anyio.sleep(2 * here.interval)
            try:
                log = await run_in_threadpool(_log, here, name)
            except UnknownSweep:  # removed meanwhile
                return


def _goes_on(here: ServiceSettings, name: str) -> bool:
    try:
        return here.store.sweep(name).state in SWEEP_WITH_HEAD
    except UnknownSweep:
        return False
