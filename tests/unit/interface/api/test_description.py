"""The API does what its description says, and the description says everything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from service.interface.api.app import create_app
from service.interface.api.problems import MEDIA_TYPE
from service.interface.api.service_settings import ServiceSettings
from service.ledger import Store
from service.ledger.over_http.head_secret import digest
from tests.unit.interface.api.conftest import Person

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ZIP = schemathesis.serializer("application/zip")(lambda context, value: {"data": bytes(value.data)})
NAMES = {"name": "toy", "owner": "ann", "attempt": 1}


def described() -> dict[str, Any]:
    """Every operation by its name."""
    schema = schemathesis.openapi.from_dict(create_app(ServiceSettings(Store("sqlite://"), Path())).openapi())
    return {one.label: one for one in (operation.ok() for operation in schema.get_all_operations())}


DESCRIBED = described()


@pytest.fixture
def whole(app: FastAPI, submitter: Person) -> FastAPI:
    """The service with a cluster, a package and a head's log."""
    from cluster.inventory import Node

    app.state.settings.inventory = lambda: [Node("a", "one", {"CPU": 4.0}, True)]
    app.state.settings.logs = lambda sweep: iter([f"the head of {sweep.name} began"])
    return app


@pytest.fixture
def speaker(request: pytest.FixtureRequest, app: FastAPI, store: Store, admin: Person) -> Person:
    """The head of the sweep toy where a route is for heads, else an admin. Streams end at once."""
    name = request.node.callspec.params["name"]
    if re.search("/events|/logs", name):
        app.state.settings.stop.set()
    if "/heads/" not in name:
        return admin
    store.heads.launched("toy", 1, None, digest("ticket"))
    store.heads.enroll("toy", 1, digest("ticket"), digest("token"))
    return Person(app, "token")


@pytest.mark.parametrize("name", DESCRIBED)
def test_what_is_sent_by_the_description_is_answered_by_it(name: str, whole: FastAPI, speaker: Person) -> None:
    @given(case=DESCRIBED[name].as_strategy())
    @settings(max_examples=5, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    def tried(case: Any) -> None:
        if sum(map(ord, str(case.path_parameters))) % 2:
            case.path_parameters.update({key: NAMES[key] for key in case.path_parameters.keys() & NAMES.keys()})
        case.headers = {**(case.headers or {}), "Authorization": speaker.client.headers["Authorization"]}
        case.validate_response(case.call(app=whole, base_url="http://localhost"), checks=CHECKS)

    tried()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        if "/heads/" not in path:
            yield from ((f"{method} {path}", operation) for method, operation in methods.items())


def test_every_operation_is_described_with_its_problems_and_examples(app: FastAPI) -> None:
    document = app.openapi()
    schemas = document["components"]["schemas"]
    for name, operation in operations(document):
        assert operation["description"], name
        public = name.endswith(("/healthz", "/readyz"))
        assert bool(operation.get("security")) != public, name
        assert ("401" in operation["responses"]) != public, name
        for status, response in operation["responses"].items():
            if status.startswith(("4", "5")):
                assert list(response["content"]) == [MEDIA_TYPE], (name, status)
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        for body in [*bodies, *(r for s, r in operation["responses"].items() if s.startswith("2"))]:
            for media, content in body.get("content", {}).items():
                if media == "application/json":
                    reference = content["schema"].get("$ref", "").rpartition("/")[2]
                    assert "example" in content or schemas.get(reference, {}).get("examples"), (name, media)


def test_the_examples_are_what_they_are_examples_of(app: FastAPI) -> None:
    import jsonschema

    document = app.openapi()
    for name, schema in document["components"]["schemas"].items():
        for example in schema.get("examples", []):
            jsonschema.validate(example, {**document, "$ref": f"#/components/schemas/{name}"})
