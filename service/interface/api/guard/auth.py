"""Who may do what: every route declares a role, and is reached only with a token that has it."""

from __future__ import annotations

import math
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from service.interface.api.problems import Refusal
from service.interface.api.service_settings import settings_of
from service.ledger.records import SweepRecord
from service.ledger.store.tokens import ROLES

PUBLIC, HEAD = "public", "head"

_BEARER = HTTPBearer(auto_error=False, description="A token of `sieve token create`.")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="sieve"'}
_HOW = (
    "set SIEVE_TOKEN, use sieve context add, or send the header Authorization: Bearer TOKEN; "
    "an admin makes one with: sieve token create USER"
)


@dataclass(frozen=True)
class User:
    """The user of a request, by its token: ``role`` is viewer, submitter or admin."""

    name: str
    role: str

    def insist(self, sweep: SweepRecord) -> None:
        """Raise Refusal unless the user may change ``sweep``: its owner may, and admins."""
        if self.role != "admin" and self.name != sweep.owner:
            raise Refusal(403, f"{sweep.name} belongs to {sweep.owner}, not {self.name}", "ask its owner, or an admin")


class RequiresRole:
    """A dependency that declares the ``role`` of its route and gives the user.

    `Guarded` has authenticated the user before, so that the body of one without a token is not read.
    """

    def __init__(self, role: str) -> None:
        self.role = role

    def __call__(self, request: Request, _: Annotated[Any, Depends(_BEARER)] = None) -> User:
        user: User = request.state.user
        return user


class NoUser:
    """A dependency of a public route or, with ``head``, of one that authenticates by itself."""

    def __init__(self, role: str = PUBLIC) -> None:
        self.role = role

    def __call__(self) -> None:
        return None


Viewer = Annotated[User, Depends(RequiresRole("viewer"))]
Submitter = Annotated[User, Depends(RequiresRole("submitter"))]
Admin = Annotated[User, Depends(RequiresRole("admin"))]
Public = Annotated[None, Depends(NoUser())]


class Guarded(APIRoute):
    """A route that looks at the token before anything else of the request. One without a role cannot be made."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler, role = super().get_route_handler(), role_of(self.dependant)
        if role is None:
            raise TypeError(f"the route {self.path} declares no role: give it a parameter of type Viewer, … or Public")

        async def guarded(request: Request) -> Response:
            if role in ROLES:
                request.state.user = await run_in_threadpool(authenticate, request, role)
            return await handler(request)

        return guarded


def role_of(dependant: Dependant) -> str | None:
    """The role that a route declares by its dependencies, None where it declares none."""
    roles = [call.role for inner in dependant.dependencies if isinstance(call := inner.call, (RequiresRole, NoUser))]
    return roles[0] if roles else None


def authenticate(request: Request, role: str) -> User:
    """The user whose token came with the request, who may do what ``role`` may.

    Raises:
        Refusal: there is no token (401), it does not hold (401; 429 after ten such in a minute), or it may less (403).
    """
    secret = bearer(request)
    token = settings_of(request).store.tokens.of(secret)
    if token is None:
        _failed(request)
        raise Refusal(401, "the token does not hold: it is unknown or revoked", _HOW, _CHALLENGE)
    if ROLES.index(token.role) < ROLES.index(role):
        raise Refusal(
            403, f"this needs the role {role}; the token of {token.user} has {token.role}", "ask an admin for another"
        )
    request.scope["sieve.user"] = token.user
    return User(token.user, token.role)


def bearer(request: Request) -> str:
    """The token that came with the request. Raises Refusal if there is none."""
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Refusal(401, "there is no token with this request", _HOW, _CHALLENGE)
    return secret.strip()


def _failed(request: Request) -> None:
    wait = settings_of(request).failures.note(request.client.host if request.client else "")
    if wait is not None:
        seconds = math.ceil(wait)
        raise Refusal(
            429,
            "too many tokens that do not hold came from this address",
            f"try again in {seconds} s",
            {"Retry-After": str(seconds)},
        )
