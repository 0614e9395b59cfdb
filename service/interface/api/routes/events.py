"""What happens, as it happens: changes of sweeps and decisions on trials, as server-sent events."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, Query
from fastapi.responses import Response
from pydantic_core import to_json
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from service.interface.api.guard.auth import Guarded, Viewer
from service.interface.api.problems import declared
from service.interface.api.service_settings import PREFIX, Here, ServiceSettings
from service.ledger.store.events import Events, SweepChange

router = APIRouter(prefix=PREFIX, tags=["events"], route_class=Guarded)

OVERLAP = 256
"""Decisions that are looked for again: writers that end in another order than they began number them so."""

GRACE = 5.0
"""Seconds in which a stream ends by itself."""

_EXAMPLE = """event: sweep
id: 17-1795280000000
data: {"sweep": "digits", "owner": "ann", "state": "RUNNING", "wish": null, "why": "", "attempt": 1}

event: decision
id: 18-1795280000500
data: {"sweep": "digits", "trial": 3, "stage": 0, "verdict": "stop", "reason": "…", "numbers": {}, "time": 12.5}

"""
_STREAM = {"description": "a stream without end", "content": {"text/event-stream": {"example": _EXAMPLE}}}


@dataclass(frozen=True)
class News:
    """An event: ``id`` is the position from which a client that received it goes on."""

    kind: str
    content: Mapping[str, Any]
    id: str


@dataclass
class Follower:
    """A client's position in the event feed: after decision ``last``, and each sweep that ended before ``since``."""

    events: Events
    sweep: str | None
    last: int
    since: float
    heard: dict[str, SweepChange] = field(default_factory=dict)
    told: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.told |= set(range(self.last - OVERLAP, self.last + 1))
        self._looked = self.since

    def news(self) -> Iterator[News]:
        """The events since the last call: first sweeps that changed, then decisions."""
        began = time.time()
        yield from self._changes()
        yield from self._decisions()
        self._looked = began

    def _changes(self) -> Iterator[News]:
        standings = {standing.sweep: standing for standing in self.events.standings(self.since, self.sweep)}
        for name, standing in standings.items():
            if self.heard.get(name) != standing:
                yield self._news("sweep", asdict(standing))
        for name in self.heard.keys() - standings.keys():
            yield self._news("removed", {"sweep": name})
        self.heard = standings

    def _decisions(self) -> Iterator[News]:
        for number, sweep, decision in self.events.decided(self.last - OVERLAP, self.sweep):
            if number not in self.told:
                self.told.add(number)
                self.last = max(self.last, number)
                yield self._news("decision", {"sweep": sweep, **asdict(decision)})
        self.told = {number for number in self.told if number > self.last - 2 * OVERLAP}

    def _news(self, kind: str, content: Mapping[str, Any]) -> News:
        """An event with the time of the poll before, as a client may disconnect after part of this one's events."""
        return News(kind, content, f"{self.last}-{int(1000 * self._looked)}")


@router.get("/events", response_class=Response, responses={200: _STREAM, **declared(401, 404, 422, 429)})
async def follow(
    user: Viewer,
    here: Here,
    sweep: Annotated[str | None, Query(description="only of this sweep", max_length=63)] = None,
    last_event_id: Annotated[str | None, Header(description="the id of the last event heard", max_length=64)] = None,
) -> Response:
    """How each sweep stands that has not ended, then each change and decision; with Last-Event-ID what was missed."""
    here.check_streams(user.name)
    follower = await run_in_threadpool(follower_of, here, sweep, last_event_id)
    # the stream ends by itself with the service; cut, it would look like a lost connection
    return EventSourceResponse(_stream(follower, here, user.name), ping=here.heartbeat, shutdown_grace_period=GRACE)


def follower_of(here: ServiceSettings, sweep: str | None, heard: str | None) -> Follower:
    """A client's position: now, or after the event with the id ``heard``. Raises UnknownSweep."""
    events = here.store.events
    if sweep is not None:
        here.store.sweep(sweep)
    number, _, moment = (heard or "").partition("-")
    newest, since = events.newest(), time.time()
    if number.isdecimal() and moment.isdecimal():
        newest, since = min(int(number), newest), int(moment) / 1000
    return Follower(events, sweep, newest, since if sweep is None else 0.0)


async def _stream(follower: Follower, here: ServiceSettings, user: str) -> AsyncIterator[ServerSentEvent]:
    with here.listening(user):
        while not here.stop.is_set():
            for news in await run_in_threadpool(lambda: list(follower.news())):
                yield ServerSentEvent(_text(news.content), event=news.kind, id=news.id)
            await anyio.sleep(here.interval)


def _text(content: Mapping[str, Any]) -> str:
    return to_json(content, inf_nan_mode="null").decode()
