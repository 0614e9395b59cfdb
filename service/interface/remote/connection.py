"""HTTP connection to a service: timeouts, retries, and its problem documents as exceptions."""

from __future__ import annotations

import logging
import random
import time
import weakref
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from service.interface.contexts.address import is_loopback
from service.interface.remote.problem_errors import NoAnswer, exception
from service.ledger.over_http.trust import CURE, is_untrusted, trusted
from service.spec.errors import SieveError

PREFIX = "/api/v1"
JSON = "application/json"
AWAY = frozenset({429, 502, 503, 504})
"""HTTP statuses after which a call is repeated: the service starts, or a proxy cannot reach it."""

DENIED = "see that the address is right; set SIEVE_TOKEN, or give a token with: sieve context add NAME --address URL"

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 3.0
_log = logging.getLogger("service")


@dataclass(frozen=True)
class RetryPolicy:
    """How long one waits, in seconds: to ``connect``, for each piece of an answer (``read``), and in all for a service
    that is ``away``, trying again meanwhile.
    """

    connect: float = 5.0
    read: float = 60.0
    away: float = 15.0


@dataclass(frozen=True)
class Call:
    """A request. ``path`` are the parts after the prefix; ``body`` is sent as JSON, ``file`` as it is.

    ``once`` forbids to send it again where the service may have acted on it already; ``read`` is a time limit of its
    own for each piece of the answer, in seconds.
    """

    method: str
    path: tuple[str, ...]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accept: str = JSON
    once: bool = False
    read: float | None = None


class _Bearer(httpx.Auth):
    """Shows the token with each request, as it is then: a service that starts has yet to write its own.

    It may write it while a request without one waits for its answer: such a request is sent again with it.
    """

    def __init__(self, token: Callable[[], str | None]) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        token = self._token()
        if token:
            request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if not token and response.status_code == httpx.codes.UNAUTHORIZED and (token := self._token()):
            request.headers["Authorization"] = f"Bearer {token}"
            yield request


class Connection:
    """Requests to the service at ``address``, with what ``token`` gives in each. Safe to use from several threads.

    Idempotent calls are repeated while the service is unreachable, at growing distances. Every method
    raises the exceptions of `service.interface.remote.problem_errors`: what the service refuses is refused in its own
    words.
    """

    def __init__(
        self, address: str, token: Callable[[], str | None] = lambda: None, patience: RetryPolicy | None = None
    ) -> None:
        self.address = address
        self.patience = patience or RetryPolicy()
        limits = httpx.Timeout(self.patience.read, connect=self.patience.connect)
        # a proxy of the environment is not asked for what is on this machine
        proxied = not is_loopback(address)
        self._client = httpx.Client(auth=_Bearer(token), timeout=limits, trust_env=proxied, verify=trusted())
        weakref.finalize(self, self._client.close)

    def close(self) -> None:
        """Gives its sockets back."""
        self._client.close()

    def json(self, call: Call) -> Any:
        """The answer to ``call`` as plain data; None where it has no content."""
        return self.answer(call)[1]

    def answer(self, call: Call) -> tuple[int, Any]:
        """The status of the answer to ``call``, and the answer as plain data."""
        response = self._insist(call, whole=True)
        self._check(response)
        try:
            return response.status_code, response.json() if response.content else None
        except ValueError:
            raise self._foreign(response) from None

    def exists(self, call: Call) -> bool:
        """Whether there is what ``call`` asks for."""
        with self._answer(call) as response:
            if response.status_code == httpx.codes.NOT_FOUND:
                return False
            if response.status_code in (401, 403):  # an answer to HEAD has no words
                with suppress(NoAnswer):
                    self.json(Call("GET", ("sweeps",), {"limit": 1}))
            self._check(response)
            return True

    @contextmanager
    def open(self, call: Call) -> Iterator[httpx.Response]:
        """The answer to ``call``, whose content is read as it comes."""
        with self._answer(call) as response:
            self._check(response)
            yield response

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Errors of the network while the body reads an answer, in words."""
        try:
            yield
        except httpx.TransportError as error:
            raise self._no_answer(error) from error

    @contextmanager
    def _answer(self, call: Call) -> Iterator[httpx.Response]:
        response = self._insist(call)
        try:
            with self.translated():
                yield response
        finally:
            response.close()

    def _insist(self, call: Call, whole: bool = False) -> httpx.Response:
        """The answer to ``call``, sent again while the service is unreachable if idempotent; read if ``whole``."""
        deadline, pause = time.monotonic() + self.patience.away, FIRST_PAUSE
        warned = False
        while True:
            try:
                response = self._send(call)
                if whole:
                    self._read(response)
            except httpx.TransportError as error:
                problem: SieveError = self._no_answer(error)
                final, wanted = is_untrusted(error) or not _may_repeat(call, error), 0.0
            else:
                if response.status_code not in AWAY or call.once:
                    return response
                wanted = _asked(response)
                problem, final = self._problem(response), False
            pause = min(LONGEST_PAUSE, pause * 2)
            rest = max(wanted, pause * random.uniform(0.5, 1.0))
            if final or time.monotonic() + rest > deadline:
                raise problem
            if not warned:
                _log.warning("%s; trying again for %.0f s", problem.message, self.patience.away)
                warned = True
            time.sleep(rest)

    def _send(self, call: Call) -> httpx.Response:
        url = "/".join([f"{self.address}{PREFIX}", *(quote(part, safe="") for part in call.path)])
        known = {key: value for key, value in call.query.items() if value is not None}
        made: dict[str, Any] = {"params": known, "headers": {"Accept": call.accept, **call.headers}}
        if call.read is not None:
            made["timeout"] = httpx.Timeout(call.read, connect=self.patience.connect)
        if call.file is None:
            if call.body is not None:
                made["json"] = call.body
            return self._client.send(self._client.build_request(call.method, url, **made), stream=True)
        with call.file.open("rb") as file:
            return self._client.send(self._client.build_request(call.method, url, content=file, **made), stream=True)

    @staticmethod
    def _read(response: httpx.Response) -> None:
        try:
            response.read()
        finally:
            response.close()

    def _check(self, response: httpx.Response) -> None:
        if response.is_success:
            return
        raise self._problem(response)

    def _problem(self, response: httpx.Response) -> SieveError:
        with self.translated():
            self._read(response)
        try:
            document = response.json()
        except ValueError:
            document = None
        if isinstance(document, Mapping) and ("detail" in document or "title" in document):
            return exception(document, response.status_code)
        if response.request.method == "HEAD" or response.status_code in (401, 403):
            cure = "" if response.status_code not in (401, 403) else DENIED
            told = {"detail": f"{self.address} answers {response.status_code}", "cure": cure}
            return exception(told, response.status_code)
        return self._foreign(response)

    def _foreign(self, response: httpx.Response) -> SieveError:
        kind = response.headers.get("content-type", "nothing")
        told = f"{self.address} answers {response.status_code} with {kind}"
        if response.status_code in AWAY:
            return NoAnswer(f"{told}: what stands before the service cannot reach it", "see that it runs: sieve serve")
        return SieveError(
            f"{told}, which is not what Sieve's service says", "see that the address and its port are right"
        )

    def _no_answer(self, error: httpx.TransportError) -> NoAnswer:
        if is_untrusted(error):
            return NoAnswer(f"the certificate of {self.address} is not believed: {_reason(error)}", CURE)
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            why = f"cannot be reached: {_reason(error)}"
        elif isinstance(error, httpx.TimeoutException):
            why = f"has said nothing for {self.patience.read:g} s"
        else:
            why = f"broke off: {_reason(error)}"
        return NoAnswer(
            f"the service at {self.address} {why}", "see that it runs (sieve serve) and that the address is right"
        )


def _may_repeat(call: Call, error: httpx.TransportError) -> bool:
    """Where the request has not left this machine, anything may be sent again."""
    return not call.once or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def _asked(response: httpx.Response) -> float:
    """Seconds that the service asks to wait."""
    try:
        return max(0.0, float(response.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text.partition("] ")[2] or text  # [Errno 111] Connection refused
