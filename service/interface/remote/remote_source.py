"""The sweeps of a service at an address, asked for over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any, cast

from service.interface.remote import decode
from service.interface.remote.connection import Call, Connection
from service.interface.remote.event_stream import events, lines
from service.interface.remote.remote_rights import RemoteRights
from service.interface.source.source import Event, Look, Standing, Table
from service.ledger.errors import UnknownSweep
from service.ledger.records import DecisionRecord, Rows
from service.ledger.results.status import Status
from service.spec.extras import needs
from service.spec.states import SWEEP_UNDER_WAY, PersonWish

if TYPE_CHECKING:
    import pandas as pd

    from service.engine.fleet.nodes import Node

PACE = 2.0
PAGE = 500
IN_MEMORY = 64 << 20
"""Bytes of a table beyond which it waits on the disk."""


class RemoteSource:
    """A `Source`: the service that ``connection`` is to. Rows come as JSON, frames as Arrow."""

    home = None
    pace = PACE

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.rights = RemoteRights(connection)

    @property
    def where(self) -> str:
        return self.connection.address

    def sweeps(self) -> Rows:
        found: Rows = []
        before: str | None = None
        while True:
            page = self._get("sweeps", limit=PAGE, before=before)
            found += page["items"]
            before = page["next"]
            if before is None:
                break
        return decode.rows([decode.sweep(raw) for raw in reversed(found)])

    def sweeps_frame(self) -> pd.DataFrame:
        with needs("a DataFrame"):
            from service.ledger.results import frames

        return frames.frame(self.sweeps(), frames.SWEEPS)

    def queue(self) -> Rows:
        return decode.rows(self._get("queue")["items"])

    def queue_frame(self) -> pd.DataFrame:
        with needs("a DataFrame"):
            from service.ledger.results import frames

        return frames.frame(self.queue(), frames.QUEUE)

    def sweep(self, name: str) -> Mapping[str, Any]:
        """What the service says of it: its record and, under ``status``, its status."""
        found: Mapping[str, Any] = self._get("sweeps", name)
        return found

    def spec(self, name: str) -> Mapping[str, Any]:
        """Its spec as plain data."""
        found: Mapping[str, Any] = self._get("sweeps", name, "spec")
        return found

    def standing(self, name: str) -> Standing:
        return _standing(self.sweep(name))

    def look(self, name: str) -> Look:
        from service.interface.text.status_view import avoided

        raw = self.sweep(name)
        status = decode.status(raw["status"])
        advice = (*decode.advice(self.rows(name, "stages")), *avoided(self.verdicts(name)))
        return Look(status, advice, status.why)

    def status(self, name: str) -> Status:
        return decode.status(self.sweep(name)["status"])

    def verdicts(self, name: str) -> Sequence[DecisionRecord]:
        return decode.decisions(self.rows(name, "decisions"))

    def rows(self, name: str, table: Table, n: int = 1) -> Rows:
        return decode.rows(self._get("sweeps", name, table, n=n if table == "best" else None)["items"])

    def frame(self, name: str, table: Table, n: int = 1) -> pd.DataFrame:
        with needs("a DataFrame"):
            from service.ledger.results import arrow, frames

        dtypes = frames.of(table, self.spec(name)["metric"]["name"])
        query = {"n": n if table == "best" else None}
        call = Call("GET", ("sweeps", name, table), query, accept=arrow.STREAM)
        with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
            with self.connection.open(call) as response:
                for piece in response.iter_bytes():
                    file.write(piece)
            file.seek(0)
            return arrow.read(cast(IO[bytes], file), dtypes)

    def nodes(self) -> list[Node]:
        from service.engine.fleet.nodes import Node

        known = {field.name for field in fields(Node)}
        return [Node(**{key: raw[key] for key in known & raw.keys()}) for raw in self.cluster()["nodes"]]

    def cluster(self) -> dict[str, Any]:
        """What the service says of its cluster. One that does not answer is said to, not waited for."""
        found: dict[str, Any] = self.connection.json(Call("GET", ("cluster",), once=True))
        return found

    def wish(self, name: str, wish: PersonWish) -> Standing:
        return _standing(self.connection.json(Call("POST", ("sweeps", name, "wish"), body={"wish": wish})))

    def extend(self, name: str, trials: int) -> None:
        self.connection.json(Call("POST", ("sweeps", name, "extend"), body={"trials": trials}, once=True))

    def update(self, name: str, priority: int | None = None, weight: float | None = None) -> None:
        changes = {"priority": priority, "weight": weight}
        given = {key: value for key, value in changes.items() if value is not None}
        self.connection.json(Call("PATCH", ("sweeps", name), body=given))

    def undo_space(self, name: str) -> int:
        undone = self.connection.json(Call("POST", ("sweeps", name, "space", "undo"), once=True))
        return int(undone["round"])

    def remove(self, name: str) -> None:
        self.standing(name)
        with suppress(UnknownSweep):  # it was there, so that a first try has removed it whose answer was lost
            self.connection.json(Call("DELETE", ("sweeps", name)))

    def logs(self, name: str, follow: bool = False) -> Iterator[str]:
        return lines(self.connection, name, follow, lambda: self.standing(name))

    def events(self, name: str) -> Iterator[Event]:
        return events(self.connection, name, lambda: self.standing(name))

    def close(self) -> None:
        self.connection.close()

    def _get(self, *path: str, **query: Any) -> Any:
        return self.connection.json(Call("GET", path, query))


def _standing(raw: Mapping[str, Any]) -> Standing:
    return Standing(raw["state"], raw.get("why") or "", raw["state"] in SWEEP_UNDER_WAY)
