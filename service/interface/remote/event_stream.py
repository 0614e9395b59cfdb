"""What happens, as it comes: server-sent events and logs, taken up again where the line broke."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

from httpx_sse import EventSource, ServerSentEvent, SSEError

from service.interface.remote.connection import Call, Connection
from service.interface.remote.problem_errors import NoAnswer
from service.interface.source import Event, Standing
from service.spec.states import SWEEP_UNDER_WAY

STREAM = "text/event-stream"
RECONNECT = 0.5
SILENT = 900.0
"""Seconds without a line after which a log that is followed is asked for again: nothing else tells a dead line."""


def events(connection: Connection, name: str, standing: Callable[[], Standing]) -> Iterator[Event]:
    """What happens to the sweep ``name`` from now on; a broken line is taken up after the last event that came.

    First comes how it stands. Ends once it is under way no longer, by an event or by ``standing``, which is asked
    before the first connection and each further one.

    Raises:
        NoAnswer: the service is away for longer than the connection has patience.
    """
    last = ""
    while (now := standing()).live:
        headers = {"Cache-Control": "no-store"} | ({"Last-Event-ID": last} if last else {})
        call = Call("GET", ("events",), {"sweep": name}, headers=headers, accept=STREAM)
        begun = False
        try:
            with connection.open(call) as response:
                begun = True
                for sent in EventSource(response).iter_sse():
                    last = sent.id or last
                    if not sent.data:  # a sign of life
                        continue
                    event = _event(sent)
                    yield event
                    if event.kind == "sweep" and event.data.get("state") not in SWEEP_UNDER_WAY:
                        return
        except (NoAnswer, SSEError):
            if not begun:
                raise
        time.sleep(RECONNECT)
    yield Event("sweep", {"sweep": name, "state": now.state, "why": now.why})


def lines(connection: Connection, name: str, follow: bool, standing: Callable[[], Standing]) -> Iterator[str]:
    """The lines of the sweep's log.

    With ``follow`` also those to come, of its next heads, too, until by ``standing`` it is under way no longer. Where
    the line breaks or the service ends, they go on after what was read.

    Raises:
        NoAnswer: the service is away for longer than the connection has patience.
    """
    first, read = "", 0
    limit = SILENT if follow else None
    call = Call("GET", ("sweeps", name, "logs"), {"follow": int(follow)}, accept="text/plain", read=limit)
    while True:
        begun, over = False, not (follow and standing().live)  # asked before: then nothing is missed
        try:
            with connection.open(call) as response:
                begun = True
                for number, line in enumerate(response.iter_lines()):
                    if number == 0 and line != first:  # the log of another head
                        first, read = line, 0
                    if number >= read:
                        read += 1
                        yield line
        except NoAnswer:
            if not (follow and begun):
                raise
            over = False
        if over:
            return
        time.sleep(RECONNECT)


def _event(sent: ServerSentEvent) -> Event:
    try:
        data = json.loads(sent.data)
    except ValueError:
        data = {"text": sent.data}
    return Event(sent.event, data if isinstance(data, dict) else {"value": data}, sent.id)
