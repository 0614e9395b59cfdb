"""A service with a sweep in mid-course, people of each role, and clients that speak for them."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.interface.api.app import create_app
from service.interface.api.guard.exposure import Exposure
from service.interface.api.server import config
from service.interface.api.service_settings import PREFIX, ServiceSettings
from service.ledger import Store
from service.ledger.store.tokens import ROLES
from tests.unit.interface.conftest import SPEC

OWNERS = {"viewer": "vic", "submitter": "sue", "admin": "ada"}


def zipped(files: Mapping[str, str]) -> bytes:
    """A zip of ``files``, the same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return packed.getvalue()


CODE = zipped({"toy.py": "raise RuntimeError('the service must not import this')\n"})
PACKAGE = hashlib.sha256(CODE).hexdigest()


class Person:
    """Speaks to the service with a token; paths count from the prefix."""

    def __init__(self, app: FastAPI, secret: str | None) -> None:
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        self.client = TestClient(app, "http://localhost", headers=headers, raise_server_exceptions=False)

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        return self.client.request(method, PREFIX + path, **options)

    def submit(self, package: str = PACKAGE, key: str | None = None, **changes: Any) -> Any:
        """Submit the sweep ``new`` with these changes of its spec."""
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        body = {"spec": SPEC | {"name": "new"} | changes, "package": package}
        return self("POST", "/sweeps", content=json.dumps(body), headers=headers)


@pytest.fixture
def settings(store: Store, home: Path) -> ServiceSettings:
    return ServiceSettings(store, home, interval=0.05, heartbeat=0.2)


@pytest.fixture
def app(settings: ServiceSettings) -> FastAPI:
    return create_app(settings)


@pytest.fixture
def secrets(store: Store) -> dict[str, str]:
    """A token's secret by role; each role has a person of its own."""
    return {role: store.tokens.create(OWNERS[role], role)[1] for role in ROLES}


@pytest.fixture
def stranger(app: FastAPI) -> Person:
    return Person(app, None)


@pytest.fixture
def viewer(app: FastAPI, secrets: dict[str, str]) -> Person:
    return Person(app, secrets["viewer"])


@pytest.fixture
def submitter(app: FastAPI, secrets: dict[str, str], settings: ServiceSettings) -> Person:
    """Sue, whose code is there already."""
    settings.packages.put(PACKAGE, iter([CODE]))
    return Person(app, secrets["submitter"])


@pytest.fixture
def admin(app: FastAPI, secrets: dict[str, str]) -> Person:
    return Person(app, secrets["admin"])


@contextmanager
def served(settings: ServiceSettings, exposure: Exposure | None = None) -> Iterator[str]:
    """The service on a real socket, as its address."""
    exposure = exposure or Exposure(port=0)
    settings.hosts = exposure.hosts
    listening = exposure.listen()
    server = uvicorn.Server(config(settings, exposure))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield exposure.url(listening.getsockname()[1])
    finally:
        settings.stop.set()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
