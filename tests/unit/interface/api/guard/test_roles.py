"""Every route that there is: who may, who may not, and what is not there."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from service.interface.api.app import ROUTES, description
from service.interface.api.guard.auth import HEAD, PUBLIC, Guarded, role_of
from service.ledger.store.tokens import ROLES
from tests.unit.interface.api.conftest import PACKAGE, Person
from tests.unit.interface.conftest import SPEC

BODIES: dict[str, Any] = {
    "submit": {"spec": SPEC, "package": PACKAGE},
    "wish": {"wish": "pause"},
    "extend": {"trials": 1},
    "change_share": {"priority": 1},
    "create_token": {"user": "bob", "role": "viewer"},
    "set_quota": {"running": 1},
}


def routes() -> list[APIRoute]:
    routers = [module.router for module in ROUTES] + [description]
    return [route for router in routers for route in router.routes if isinstance(route, APIRoute)]


ALL = routes()
GUARDED = [route for route in ALL if role_of(route.dependant) in ROLES]


def ask(person: Person, route: APIRoute) -> Any:
    path = route.path.format(name="nobody", sha256="0" * 64, id=99, owner="ann")
    body = BODIES.get(route.name)
    return person.client.request(next(iter(route.methods)), path, **({"json": body} if body else {}))


def name(route: APIRoute) -> str:
    return f"{next(iter(route.methods))} {route.path}"


def test_the_application_has_these_routes_and_those_of_heads_alone(app: FastAPI) -> None:
    described = {path for path in app.openapi()["paths"] if "/heads/" not in path}
    assert described == {route.path for route in ALL if route.include_in_schema}


@pytest.mark.parametrize("route", ALL, ids=name)
def test_a_route_declares_its_role(route: APIRoute) -> None:
    assert isinstance(route, Guarded)
    assert role_of(route.dependant) in (PUBLIC, HEAD, *ROLES)


def test_a_route_without_a_role_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="declares no role"):
        APIRouter(route_class=Guarded).add_api_route("/open", lambda: None)


def test_only_these_are_public() -> None:
    public = {route.path for route in ALL if role_of(route.dependant) == PUBLIC}
    assert public == {"/healthz", "/readyz", "/api/v1/openapi.json"}


@pytest.mark.parametrize("route", GUARDED, ids=name)
def test_without_a_token_there_is_nothing(route: APIRoute, stranger: Person) -> None:
    response = ask(stranger, route)
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith("Bearer")


def test_the_routes_of_heads_open_to_heads_alone(app: FastAPI, stranger: Person, submitter: Person) -> None:
    """Neither without a token nor with one of a person; an enrolling head shows a ticket, and here a wrong one."""
    paths = {path: methods for path, methods in app.openapi()["paths"].items() if "/heads/" in path}
    assert len(paths) == 5
    for path, methods in paths.items():
        for person in (stranger, submitter):
            where = path.format(name="toy", attempt=1)
            body = {"ticket": "guessed", "state": None, "needs": None, "why": ""}
            answer = person.client.request(next(iter(methods)), where, params={"part": "sweep"}, json=body)
            assert answer.status_code == 401, (path, answer.text)


@pytest.mark.parametrize("route", GUARDED, ids=name)
def test_a_role_too_low_is_refused(route: APIRoute, viewer: Person, submitter: Person) -> None:
    people = {"submitter": [viewer], "admin": [viewer, submitter]}
    for person in people.get(role_of(route.dependant) or "", []):
        assert ask(person, route).status_code == 403


@pytest.mark.parametrize("route", [route for route in GUARDED if "{name}" in route.path], ids=name)
def test_an_unknown_sweep_is_not_found(route: APIRoute, admin: Person) -> None:
    response = ask(admin, route)
    assert response.status_code == 404
    assert response.json()["detail"] == "there is no sweep 'nobody'; there are toy"
    assert response.json()["type"] == "urn:sieve:problem:unknown-sweep"


@pytest.mark.parametrize("route", [route for route in GUARDED if route.name in BODIES], ids=name)
def test_a_strangers_body_is_not_read(route: APIRoute, stranger: Person) -> None:
    path = route.path.format(name="toy", owner="ann")
    response = stranger.client.request(
        next(iter(route.methods)), path, content=b"{", headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 401
