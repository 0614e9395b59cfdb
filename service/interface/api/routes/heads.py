"""The routes of heads: each has its own token, which is for its own sweep alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any

import anyio
from fastapi import APIRouter, Header, HTTPException, Path, Request, Response
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool

from service.interface.api.failed_logins import FailedLogins
from service.interface.api.guard.head_messages import BATCH, BEAT, END, TICKET, check, schema
from service.interface.api.guard.slow_clients import PATIENCE
from service.interface.api.problems import declared
from service.ledger.over_http import wire
from service.ledger.over_http.head_secret import digest, fresh
from service.ledger.states import IllegalTransition
from service.ledger.store.store import DiskFull, LostClaim, Store, UnknownSweep
from service.spec.errors import SieveError, SpecError, UserError, nearest

STATUS: dict[type[SieveError], int] = {
    LostClaim: 409,
    IllegalTransition: 409,
    DiskFull: 507,
    UnknownSweep: 404,
    SpecError: 422,
    UserError: 422,
}
"""The HTTP status of errors that a head tells apart by their kind; any other is 503: it tries again."""


class _WrongToken(LostClaim):
    """The ticket or token is not that of the present attempt's head: to the caller a lost claim."""


PARTS = ("sweep", *wire.LISTS, "pasts")

AGAIN = "the daemon starts another head where one is needed"

WORDS = 1 << 20
"""The most bytes of a head's message other than a batch: only the reason of its end can be long."""

SHORT = 1 << 12
"""The most bytes of an enrolment, which comes before authentication."""

Bearer = Annotated[str, Header(alias="Authorization")]
Attempt = Annotated[int, Path(ge=0, lt=1 << 31)]


def heads(store: Store, failures: FailedLogins | None = None) -> APIRouter:
    """The routes under ``/api/v1/heads/{name}/{attempt}`` over ``store``; ``failures`` counts who is turned away."""
    router, routes = APIRouter(prefix="/api/v1/heads/{name}/{attempt}", tags=["heads"]), _Routes(store, failures)
    problems = declared(401, 404, 408, 409, 413, 422, 429, 503, 507)
    router.get("/ledger", responses=problems)(routes.ledger)
    said: dict[Callable[..., Any], TypeAdapter[Any]] = {
        routes.enroll: TICKET,
        routes.beat: BEAT,
        routes.append: BATCH,
        routes.end: END,
    }
    for route, kind in said.items():
        body = {"required": True, "content": {"application/json": {"schema": schema(kind)}}}
        router.post(f"/{route.__name__}", responses=problems, openapi_extra={"requestBody": body})(route)
    return router


class _Routes:
    """Bodies of requests are read after authentication, and validated by their types."""

    def __init__(self, store: Store, failures: FailedLogins | None) -> None:
        self._store = store
        self._failures = failures or FailedLogins()

    async def enroll(self, request: Request, name: str, attempt: Attempt) -> Response:
        """A token in exchange for the ticket that the head was launched with, once."""
        with anyio.move_on_after(PATIENCE) as patience:
            body = await _body(request, SHORT)
        if patience.cancelled_caught:
            raise HTTPException(408, f"no whole ticket came in {PATIENCE:.0f} s")

        def act() -> dict[str, str]:
            token = fresh()
            if not self._store.heads.enroll(name, attempt, digest(TICKET.validate_json(body).ticket), digest(token)):
                raise _WrongToken(f"this ticket is used, or not that of attempt {attempt} at {name}", AGAIN)
            return {"token": token}

        return await self._answer(request, act)

    async def ledger(
        self, request: Request, name: str, attempt: Attempt, part: str, authorization: Bearer = ""
    ) -> Response:
        """One part of the ledger: the sweep itself, its trials, reports, decisions, spaces, worth or pasts."""

        def act() -> Any:
            self._check(name, attempt, authorization)
            if part not in PARTS:
                raise UnknownSweep(f"a ledger has no {part!r}{nearest(part, PARTS)}", f"it has {', '.join(PARTS)}")
            return getattr(self._store, part)(name)

        return await self._answer(request, act)

    async def beat(self, request: Request, name: str, attempt: Attempt, authorization: Bearer = "") -> Response:
        """Renew the claim and say what the head needs; the answer is its orders."""

        def act(body: bytes) -> Any:
            said = BEAT.validate_json(body)
            return self._store.beat(name, attempt, said.state, said.needs)

        return await self._heard(request, name, attempt, authorization, act)

    async def append(self, request: Request, name: str, attempt: Attempt, authorization: Bearer = "") -> Response:
        """Write a batch in one transaction."""

        def act(body: bytes) -> None:
            batch = BATCH.validate_json(body)
            check(self._store.sweep(name).spec, batch)
            self._store.append(name, attempt, batch)

        return await self._heard(request, name, attempt, authorization, act, most=None)

    async def end(self, request: Request, name: str, attempt: Attempt, authorization: Bearer = "") -> Response:
        """The head is done."""

        def act(body: bytes) -> None:
            said = END.validate_json(body)
            self._store.end(name, attempt, said.state, said.why)

        return await self._heard(request, name, attempt, authorization, act)

    async def _heard(
        self,
        request: Request,
        name: str,
        attempt: int,
        authorization: str,
        act: Callable[[bytes], Any],
        most: int | None = WORDS,
    ) -> Response:
        refused = await self._answer(request, lambda: self._check(name, attempt, authorization))
        if refused.status_code != 200:
            return refused
        body = await _body(request, most)
        return await self._answer(request, lambda: act(body))

    def _check(self, name: str, attempt: int, authorization: str) -> None:
        token = authorization.removeprefix("Bearer ")
        if not token or self._store.heads.by_token(digest(token)) != (name, attempt):
            raise _WrongToken(f"this token is not that of attempt {attempt} at {name}", AGAIN)

    async def _answer(self, request: Request, act: Callable[[], Any]) -> Response:
        try:
            return Response(wire.dumps(await run_in_threadpool(act)), media_type="application/json")
        except _WrongToken as error:
            wait = self._failures.note(request.client.host if request.client else "")
            headers = {} if wait is None else {"Retry-After": str(math.ceil(wait))}
            return _problem(401 if wait is None else 429, LostClaim.__name__, error, headers)
        except SieveError as error:
            status = next((status for kind, status in STATUS.items() if isinstance(error, kind)), 503)
            return _problem(status, type(error).__name__, error)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            strange = SieveError(
                f"this is not what a head says: {error!r:.500}", "see that it is of this version of Sieve"
            )
            return _problem(422, "about:blank", strange)


async def _body(request: Request, most: int | None) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if most is not None and len(body) > most:
            raise HTTPException(413, f"the body has more than {most} bytes")
    return bytes(body)


def _problem(status: int, kind: str, error: SieveError, headers: dict[str, str] | None = None) -> Response:
    problem = {"type": kind, "title": kind, "status": status, "detail": error.message, "cure": error.cure}
    return Response(wire.dumps(problem), status, headers, media_type="application/problem+json")
