"""Packages over HTTP; what may be in one is tested with their store."""

from __future__ import annotations

import hashlib
import os

import pytest
from fastapi import FastAPI

from service.engine.packages.package_store import Limits
from service.interface.api.app import create_app
from service.interface.api.service_settings import ServiceSettings
from tests.unit.interface.api.conftest import CODE, PACKAGE, Person, zipped


def test_a_package_is_there_after_it_was_sent(app: FastAPI, secrets: dict[str, str], settings: ServiceSettings) -> None:
    sue = Person(app, secrets["submitter"])
    assert sue("HEAD", f"/packages/{PACKAGE}").status_code == 404
    first, again = (sue("PUT", f"/packages/{PACKAGE}", content=CODE) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == {"package": PACKAGE}
    assert sue("HEAD", f"/packages/{PACKAGE}").status_code == 200
    assert (settings.packages.folder(PACKAGE) / "toy.py").is_file()


def test_what_is_new_takes_the_place_of_what_no_sweep_has(submitter: Person, settings: ServiceSettings) -> None:
    submitter.submit()
    unused = zipped({"unused.py": ""})
    submitter("PUT", f"/packages/{hashlib.sha256(unused).hexdigest()}", content=unused)
    for folder in (settings.home / "packages").iterdir():
        os.utime(folder, (0, 0))
    new = zipped({"new.py": ""})
    name = hashlib.sha256(new).hexdigest()
    assert submitter("PUT", f"/packages/{name}", content=new).status_code == 201
    assert {folder.name for folder in (settings.home / "packages").iterdir()} == {PACKAGE, name}


@pytest.mark.parametrize("content", [b"", b"no zip", zipped({"../evil.py": "x"})])
def test_what_cannot_be_kept_is_refused(app: FastAPI, secrets: dict[str, str], content: bytes) -> None:
    answer = Person(app, secrets["submitter"])(
        "PUT", f"/packages/{hashlib.sha256(content).hexdigest()}", content=content
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_the_hash_in_the_path_must_be_one_and_the_right_one(app: FastAPI, secrets: dict[str, str]) -> None:
    sue = Person(app, secrets["submitter"])
    assert sue("PUT", "/packages/" + "0" * 64, content=CODE).status_code == 422
    assert sue("PUT", "/packages/..%2f..%2fevil", content=CODE).status_code in (404, 422)
    assert sue("PUT", "/packages/" + PACKAGE.upper(), content=CODE).status_code == 422


def test_a_package_that_is_too_large_is_refused_while_it_comes(
    settings: ServiceSettings, secrets: dict[str, str]
) -> None:
    settings.limits = Limits(packed=1000)
    sue = Person(create_app(settings), secrets["submitter"])
    large = sue("PUT", f"/packages/{PACKAGE}", content=b"x" * 1001)
    assert (large.status_code, ".sieveignore" in large.json()["cure"]) == (413, True)
    assert sue("PUT", f"/packages/{PACKAGE}", content=iter([b"x" * 900] * 2)).status_code == 413
    assert list((settings.home / "packages").glob("*")) == []
    assert list((settings.home / "packages").glob(".*")) == []
