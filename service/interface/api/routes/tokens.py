"""Tokens over the API, for admins."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from service.interface.api.guard.auth import Admin, Guarded
from service.interface.api.guard.plain_text import PlainText
from service.interface.api.problems import declared
from service.interface.api.service_settings import PREFIX, Here

router = APIRouter(prefix=PREFIX, tags=["tokens"], route_class=Guarded)

Role = Literal["viewer", "submitter", "admin"]
_TOKEN: dict[str, Any] = {"id": 2, "user": "ann", "role": "submitter", "created": 1795280000.0, "revoked": None}


class TokenRequest(BaseModel):
    """A token to make: whose, and what it may. The user's sweeps belong to that name."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"user": "ann", "role": "submitter"}]})

    user: Annotated[PlainText, Field(min_length=1, max_length=64)]
    role: Role


class TokenView(BaseModel):
    """A token without its secret; times are seconds since the epoch, ``revoked`` is null while it holds."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TOKEN]})

    id: int
    user: str
    role: Role
    created: float
    revoked: float | None


class NewToken(TokenView):
    """A new token and its secret ``token``, which is shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_TOKEN, "token": "sieve_…"}]})

    token: str


class TokenList(BaseModel):
    """All tokens, oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_TOKEN]}]})

    items: list[TokenView]


@router.post("/tokens", status_code=201, responses=declared(401, 403, 422))
def create_token(user: Admin, here: Here, wanted: TokenRequest) -> NewToken:
    """Make a token. Its secret can not be had again."""
    record, secret = here.store.tokens.create(wanted.user, wanted.role)
    return NewToken(**asdict(record), token=secret)


@router.get("/tokens", responses=declared(401, 403))
def list_tokens(user: Admin, here: Here) -> TokenList:
    """All tokens, revoked ones too."""
    return TokenList(items=[TokenView(**asdict(record)) for record in here.store.tokens.ls()])


@router.delete("/tokens/{id}", status_code=204, responses=declared(401, 403, 404, 422))
def revoke_token(user: Admin, here: Here, id: Annotated[int, Path(ge=1, lt=1 << 31)]) -> Response:
    """Revoke a token, at once and for ever."""
    here.store.tokens.revoke(id)
    return Response(status_code=204)
