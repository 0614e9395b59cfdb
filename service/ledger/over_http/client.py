"""The ledger of a head whose store is behind a service, over HTTP."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

import httpx

from service.ledger.errors import Away
from service.ledger.ledger import Needs, Orders
from service.ledger.over_http import wire
from service.ledger.over_http.spool import Spool
from service.ledger.over_http.trust import is_untrusted, trusted
from service.ledger.records import (
    Batch,
    DecisionRecord,
    PastRecord,
    ReportRecord,
    SpaceRecord,
    SweepRecord,
    TrialRecord,
    WorthRecord,
)
from service.ledger.states import IllegalTransition
from service.ledger.store.store import DiskFull, LostClaim, UnknownSweep
from service.spec.errors import SieveError
from service.spec.states import SweepState

LOGGER = logging.getLogger("service.head")

PATIENCE = 3600.0
"""Seconds that a head waits for a service that is away when it must read something."""

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
"""Longer than a service waits for its database: what is given up here and said again is not under way there still."""

PAUSES = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds without another try after the first failure in a row, the second, and so on."""

AWAY = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a service, or of a proxy before it, that say nothing about what was asked."""

ERRORS: dict[str, type[SieveError]] = {
    kind.__name__: kind for kind in (LostClaim, IllegalTransition, DiskFull, UnknownSweep)
}
"""Errors of a ledger that keep their kind on the way."""


class Untrusted(Away):
    """What answers shows a certificate that is not believed: perhaps a new one, of which this process has not heard."""


class HttpLedger:
    """The `Ledger` of attempt ``attempt`` at the sweep ``name``, behind the service at ``address``.

    A service that is away fails no sweep: what it is to be told is kept in ``spool``, in order, and delivered when it
    is back; reading waits for it, at most ``patience`` seconds. ``token`` is what `enroll` got.
    """

    def __init__(
        self, address: str, name: str, attempt: int, token: str, spool: Spool, patience: float = PATIENCE
    ) -> None:
        self._http = httpx.Client(
            base_url=head_url(address, name, attempt),
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
            verify=trusted(),
        )
        self._attempt = attempt
        self._spool = spool
        self._patience = patience
        self._lock = threading.RLock()
        self._failures = 0
        self._quiet_until = 0.0
        self._orders = Orders()

    def close(self) -> None:
        """Give the connection up, and the spool if it is empty."""
        self._http.close()
        self._spool.close()

    def sweep(self, name: str) -> SweepRecord:
        """The sweep. Raises UnknownSweep."""
        return wire.record(SweepRecord, self._read("sweep"))

    def trials(self, name: str) -> list[TrialRecord]:
        """Its trials by number."""
        return [wire.record(TrialRecord, raw) for raw in self._read("trials")]

    def reports(self, name: str) -> list[ReportRecord]:
        """Its reports in the order they came in."""
        return [wire.record(ReportRecord, raw) for raw in self._read("reports")]

    def decisions(self, name: str) -> list[DecisionRecord]:
        """Its decisions in the order they fell."""
        return [wire.record(DecisionRecord, raw) for raw in self._read("decisions")]

    def spaces(self, name: str) -> list[SpaceRecord]:
        """The spaces of its rounds from 1 on, in the order they were made."""
        return [wire.record(SpaceRecord, raw) for raw in self._read("spaces")]

    def pasts(self, name: str) -> list[PastRecord]:
        """What it learns from, in the order of its spec."""
        return [wire.past(raw) for raw in self._read("pasts")]

    def worth(self, name: str) -> list[WorthRecord]:
        """The estimates of what its stages are worth, oldest first."""
        return [wire.record(WorthRecord, raw) for raw in self._read("worth")]

    def beat(self, name: str, attempt: int, state: SweepState | None = None, needs: Needs | None = None) -> Orders:
        """Renew the claim; hears the newest orders, the last known ones while the service is away."""
        if self._is_mine(attempt) and self._deliver():
            try:
                body = wire.dumps({"state": state, "needs": needs})
                self._orders = wire.record(Orders, wire.loads(self._ask("POST", "beat", body)))
            except Away:
                pass
        return self._orders

    def append(self, name: str, attempt: int, batch: Batch) -> None:
        """Write a batch in one transaction, or keep it for later. Raises LostClaim, IllegalTransition, DiskFull."""
        self._is_mine(attempt)
        self._tell("append", wire.dumps(batch))

    def end(self, name: str, attempt: int, state: SweepState, why: str) -> None:
        """The head is done; waits until the service knows. Raises LostClaim, IllegalTransition."""
        self._is_mine(attempt)
        told = self._tell("end", wire.dumps({"state": state, "why": why}))
        deadline = time.monotonic() + self._patience
        while not told and time.monotonic() < deadline:  # Whatever is left stays in the spool.
            time.sleep(min(PAUSES))
            told = self._deliver()

    def inherit(self, spool: Spool) -> None:
        """Hand in what a head before this one could not, as it ended; what is refused is laid aside."""
        while (message := spool.first()) is not None:
            kind, body = message
            try:
                if kind == "append":
                    self._patiently("POST", kind, body)
            except (Away, LostClaim, DiskFull):
                raise
            except SieveError as error:
                LOGGER.warning("what the head before could not hand in is refused and laid aside: %s", error)
                spool.refuse()
                continue
            spool.drop()
        spool.close()

    def _tell(self, kind: str, body: bytes) -> bool:
        """Say something now if all before it is said; else, or if the service is away, keep it. True if it was said."""
        with self._lock:
            if self._deliver():
                try:
                    self._ask("POST", kind, body)
                    return True
                except Away:
                    pass
            self._spool.put(kind, body)
            return False

    def _deliver(self) -> bool:
        """Whether all that was kept is delivered and the service may be asked for more."""
        with self._lock:
            if time.monotonic() < self._quiet_until:
                return False
            while (message := self._spool.first()) is not None:
                try:
                    self._say_again(*message)
                except Away:
                    return False
                except LostClaim:
                    raise
                except SieveError:
                    self._spool.refuse()
                    raise
                self._spool.drop()
            return True

    def _say_again(self, kind: str, body: bytes) -> None:
        """Say what may have been heard before: an end that is known already is no lost claim."""
        try:
            self._ask("POST", kind, body)
        except LostClaim:
            if kind != "end":
                raise
            known = wire.loads(self._ask("GET", "ledger?part=sweep"))
            if (known["state"], known["attempt"]) != (wire.loads(body)["state"], self._attempt):
                raise

    def _read(self, part: str) -> Any:
        deadline = time.monotonic() + self._patience
        while not self._deliver():
            if time.monotonic() > deadline:
                raise Away(f"the service at {self._http.base_url} does not answer", "see that `sieve serve` runs")
            time.sleep(min(PAUSES))
        return wire.loads(self._patiently("GET", f"ledger?part={part}"))

    def _patiently(self, method: str, path: str, body: bytes = b"") -> bytes:
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self._ask(method, path, body)
            except Away:
                if time.monotonic() > deadline:
                    raise
                time.sleep(min(PAUSES))

    def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        with self._lock:
            try:
                answer = ask(self._http, method, path, body)
            except Away as error:
                if not self._failures:
                    LOGGER.warning("%s", error.message)
                self._quiet_until = time.monotonic() + PAUSES[min(self._failures, len(PAUSES) - 1)]
                self._failures += 1
                raise
            if self._failures:
                LOGGER.warning("the service answers again")
            self._failures = 0
            return answer

    def _is_mine(self, attempt: int) -> bool:
        if attempt != self._attempt:
            raise LostClaim(f"attempt {attempt} is not the one of this head, {self._attempt}", "let the other head run")
        return True


def enroll(address: str, name: str, attempt: int, ticket: str, patience: float = PATIENCE) -> str:
    """The token of a head in exchange for its ``ticket``, which is worthless then.

    Raises:
        LostClaim: the ticket is used, or another attempt's.
        Untrusted: its certificate is not believed.
        Away: the service did not answer for ``patience`` seconds.
    """
    deadline, told = time.monotonic() + patience, False
    with httpx.Client(base_url=head_url(address, name, attempt), timeout=TIMEOUT, verify=trusted()) as http:
        while True:
            try:
                return str(wire.loads(ask(http, "POST", "enroll", wire.dumps({"ticket": ticket})))["token"])
            except Untrusted:
                raise
            except Away as error:
                if time.monotonic() > deadline:
                    raise
                if not told:
                    LOGGER.warning("%s", error.message)
                told = True
                time.sleep(min(PAUSES))


def head_url(address: str, name: str, attempt: int) -> str:
    """Where the service at ``address`` hears this head."""
    return f"{address.rstrip('/')}/api/v1/heads/{name}/{attempt}/"


def ask(http: httpx.Client, method: str, path: str, body: bytes = b"") -> bytes:
    """One request, and the body of its answer. Raises Away, or the error that the service names."""
    try:
        answer = http.request(method, path, content=body, headers={"Content-Type": "application/json"})
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as error:
        raise SieveError(f"cannot ask {http.base_url}: {error}", "write the address as http://host:port") from error
    except httpx.TransportError as error:
        if is_untrusted(error):
            raise Untrusted(
                f"the certificate of {http.base_url} is not believed: {error}",
                "let --url of `sieve serve` have a name that its certificate is for",
            ) from error
        raise Away(f"the service at {http.base_url} does not answer: {error}", "see that `sieve serve` runs") from error
    if answer.is_success:
        return answer.content
    raise _error(http, answer)


def _error(http: httpx.Client, answer: httpx.Response) -> SieveError:
    try:
        problem = answer.json()
        kind, detail, cure = str(problem["type"]), str(problem["detail"]), str(problem.get("cure", ""))
    except (ValueError, KeyError, TypeError):
        kind, detail, cure = "", f"the service at {http.base_url} answers {answer.status_code}", ""
    if kind in ERRORS:
        return ERRORS[kind](detail, cure)
    if answer.status_code in AWAY:
        return Away(detail, cure)
    return SieveError(detail, cure or "see that the address is that of a Sieve service of this version")
