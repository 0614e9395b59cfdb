"""What heads ask of the service, over HTTP: each with its own token, which opens its own sweep alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response

from service.ledger import wire
from service.ledger.ledger import Needs
from service.ledger.secret import digest, fresh
from service.ledger.states import IllegalTransition
from service.ledger.store import DiskFull, LostClaim, Store, UnknownSweep
from service.spec.errors import SieveError, UserError, nearest

STATUS: dict[type[SieveError], int] = {LostClaim: 409, IllegalTransition: 409, DiskFull: 507, UnknownSweep: 404}
"""The HTTP status of errors that a head tells apart by their kind; what the ledger will never hold is 422. Any other
is 503: it tries again."""


class _Stranger(LostClaim):
    """Whoever asks does not show what the head of the present attempt has. To a head that is a claim it has lost."""


PARTS = ("sweep", *wire.LISTS, "pasts")

AGAIN = "the daemon starts another head where one is needed"


async def _body(request: Request) -> bytes:
    return await request.body()


Body = Annotated[bytes, Depends(_body)]
Bearer = Annotated[str, Header(alias="Authorization")]


def heads(store: Store) -> APIRouter:
    """The routes under ``/api/v1/heads/{name}/{attempt}`` over ``store``."""
    router, routes = APIRouter(prefix="/api/v1/heads/{name}/{attempt}", tags=["heads"]), _Routes(store)
    router.get("/ledger")(routes.ledger)
    for route in (routes.enroll, routes.beat, routes.append, routes.end):
        router.post(f"/{route.__name__}")(route)
    return router


class _Routes:
    def __init__(self, store: Store) -> None:
        self._store = store

    def enroll(self, name: str, attempt: int, body: Body) -> Response:
        """A token in exchange for the ticket that the head was launched with, once."""

        def act() -> dict[str, str]:
            token = fresh()
            ticket = str(wire.loads(body)["ticket"])
            if not self._store.heads.enroll(name, attempt, digest(ticket), digest(token)):
                raise _Stranger(f"this ticket is used, or not that of attempt {attempt} at {name}", AGAIN)
            return {"token": token}

        return _answer(act)

    def ledger(self, name: str, attempt: int, part: str, authorization: Bearer = "") -> Response:
        """One part of the ledger: the sweep itself, its trials, reports, decisions, spaces, worth or pasts."""

        def act() -> Any:
            self._check(name, attempt, authorization)
            if part not in PARTS:
                raise UnknownSweep(f"a ledger has no {part!r}{nearest(part, PARTS)}", f"it has {', '.join(PARTS)}")
            return getattr(self._store, part)(name)

        return _answer(act)

    def beat(self, name: str, attempt: int, body: Body, authorization: Bearer = "") -> Response:
        """Renew the claim and say what the head needs; the answer is its orders."""

        def act() -> Any:
            self._check(name, attempt, authorization)
            raw = wire.loads(body)
            needs = None if raw["needs"] is None else wire.record(Needs, raw["needs"])
            return self._store.beat(name, attempt, raw["state"], needs)

        return _answer(act)

    def append(self, name: str, attempt: int, body: Body, authorization: Bearer = "") -> Response:
        """Write a batch in one transaction."""

        def act() -> None:
            self._check(name, attempt, authorization)
            self._store.append(name, attempt, wire.batch(wire.loads(body)))

        return _answer(act)

    def end(self, name: str, attempt: int, body: Body, authorization: Bearer = "") -> Response:
        """The head is done."""

        def act() -> None:
            self._check(name, attempt, authorization)
            raw = wire.loads(body)
            self._store.end(name, attempt, raw["state"], raw["why"])

        return _answer(act)

    def _check(self, name: str, attempt: int, authorization: str) -> None:
        token = authorization.removeprefix("Bearer ")
        if not token or self._store.heads.by_token(digest(token)) != (name, attempt):
            raise _Stranger(f"this token is not that of attempt {attempt} at {name}", AGAIN)


def _answer(act: Callable[[], Any]) -> Response:
    try:
        return Response(wire.dumps(act()), media_type="application/json")
    except _Stranger as error:
        return _problem(401, LostClaim.__name__, error)
    except SieveError as error:
        otherwise = 422 if isinstance(error, UserError) else 503
        return _problem(STATUS.get(type(error), otherwise), type(error).__name__, error)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        strange = SieveError(f"this is not what a head says: {error!r}", "see that it is of this version of Sieve")
        return _problem(422, "about:blank", strange)


def _problem(status: int, kind: str, error: SieveError) -> Response:
    problem = {"type": kind, "title": kind, "status": status, "detail": error.message, "cure": error.cure}
    return Response(wire.dumps(problem), status, media_type="application/problem+json")
