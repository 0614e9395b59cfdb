"""Errors as problem documents (RFC 9457): the same sentences as on the command line."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from service.engine.control.wishes import NothingToDo
from service.ledger.errors import AlreadyRunning, DiskFull, KeyInUse, NameInUse, UnknownSweep
from service.ledger.states import IllegalTransition
from service.ledger.store.tokens import UnknownToken
from service.spec.errors import SieveError, SpecError, UserError

MEDIA_TYPE = "application/problem+json"

DESCRIBED = "see the description of the API: /api/v1/openapi.json"

SHORT, MOST_OF_PATH = 60, 200
"""Characters of a value, and of a path, that an error echoes at most."""

STATUSES: dict[type[SieveError], int] = {
    UnknownSweep: 404,
    UnknownToken: 404,
    NameInUse: 409,
    AlreadyRunning: 409,
    NothingToDo: 409,
    IllegalTransition: 409,
    KeyInUse: 422,
    SpecError: 422,
    UserError: 422,
    DiskFull: 507,
    SieveError: 503,
}
"""The HTTP status of an error: that of the first class it is an instance of, from the particular to the general."""


class Fault(BaseModel):
    """One broken rule: ``where`` is the path of the value, keys and positions joined by ``/``."""

    where: str
    line: int | None = None
    message: str


class Problem(BaseModel):
    """What went wrong. ``detail`` is the sentence, ``cure`` what to do about it, ``violations`` all broken rules."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:sieve:problem:unknown-sweep",
                    "title": "Unknown sweep",
                    "status": 404,
                    "detail": "there is no sweep 'digit' (did you mean 'digits'?); there are digits",
                    "cure": "see: sieve ls",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    cure: str | None = None
    violations: list[Fault] | None = None


class Refusal(SieveError):
    """What the API itself refuses: no token, too little right, nothing acceptable."""

    def __init__(self, status: int, message: str, cure: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message, cure)
        self.status = status
        self.headers = dict(headers or {})


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem responses of a route, for its description."""
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def answer(error: SieveError) -> JSONResponse:
    """The response to an error meant for people."""
    if isinstance(error, Refusal):
        kind = HTTPStatus(error.status).phrase
        return document(error.status, kind, error.message, error.cure, headers=error.headers)
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    faults = [
        Fault(where=_sound(v.where), line=v.line, message=_sound(v.message)) for v in getattr(error, "violations", ())
    ]
    return document(status, type(error).__name__, error.message, error.cure, faults)


def document(
    status: int,
    kind: str,
    detail: str,
    cure: str = "",
    faults: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem response; ``kind`` is its name in words or CamelCase."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).split()
    problem = Problem(
        type=f"urn:sieve:problem:{'-'.join(words).lower()}",
        title=" ".join(words).capitalize(),
        status=status,
        detail=_sound(detail),
        cure=_sound(cure) or None,
        violations=faults or None,
    )
    content = problem.model_dump(mode="json", exclude_none=True)
    return JSONResponse(content, status, dict(headers or {}), MEDIA_TYPE)


def _sound(text: str) -> str:
    """``text`` as it can be sent: what a client put into it need not be Unicode."""
    return text.encode("utf-8", "backslashreplace").decode()


def install(app: FastAPI) -> None:
    """Let every error of ``app`` be answered with a problem."""
    app.add_exception_handler(SieveError, _sieve)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)
    app.add_exception_handler(Exception, _unexpected)


async def _sieve(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SieveError)
    return answer(error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [
        Fault(where=_sound("/".join(map(str, fault["loc"]))), message=_sound(f"{fault['msg']}{_given(fault)}"))
        for fault in error.errors()
    ]
    told = "; ".join(f"{fault.where}: {fault.message}" for fault in faults[:5])
    kind = request.headers.get("content-type", "nothing").partition(";")[0]
    if kind != "application/json" and any(fault.where == "body" for fault in faults):
        told, cure = f"the body comes as {_sound(kind)}", "send the header Content-Type: application/json"
        return document(422, "Invalid request", told, cure)
    return document(422, "Invalid request", told, DESCRIBED, faults)


def _given(fault: Mapping[str, Any]) -> str:
    """What was given instead, where that is short and no secret could be in it."""
    given = fault.get("input")
    short = isinstance(given, (int, float, str)) and len(repr(given)) <= SHORT
    return f", not {given!r}" if short else ""


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    detail, cure = str(error.detail), ""
    if detail == HTTPStatus.NOT_FOUND.phrase:
        detail, cure = f"there is nothing at {request.url.path[:MOST_OF_PATH]}", DESCRIBED
    elif detail == HTTPStatus.METHOD_NOT_ALLOWED.phrase:
        detail, cure = f"{request.method} is nothing that {request.url.path[:MOST_OF_PATH]} knows", DESCRIBED
    return document(error.status_code, HTTPStatus(error.status_code).phrase, detail, cure, headers=error.headers)


async def _gone(_: Request, error: Exception) -> JSONResponse:
    return document(400, "Bad request", "the client went away before all of the request had come")


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    logging.getLogger("service.api").error("unexpected error", exc_info=error)
    return document(500, "Internal server error", f"the service failed: {type(error).__name__}", "see its log")
