"""The service behind a reverse proxy, which here is the client: it says in X-Forwarded-For from whom it hears."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from service.interface.api.failed_logins import ALLOWED
from service.interface.api.guard.exposure import Exposure
from service.interface.api.service_settings import ServiceSettings
from tests.unit.interface.api.conftest import served


@pytest.fixture
def proxied(settings: ServiceSettings) -> Iterator[str]:
    with served(settings, Exposure(port=0, behind_proxy=True, names=("lab.example",))) as address:
        yield address


def guess(address: str, forwarded: str) -> int:
    headers = {"Authorization": "Bearer guess", "X-Forwarded-For": forwarded, "Host": "lab.example"}
    return httpx.get(f"{address}/api/v1/queue", headers=headers, trust_env=False).status_code


def test_failures_count_by_the_address_that_the_proxy_saw(proxied: str) -> None:
    """Whatever a client says of itself neither hides it nor locks anybody else out."""
    spoofed = [guess(proxied, f"198.51.100.{number}, 203.0.113.7") for number in range(ALLOWED + 1)]
    assert spoofed == [401] * ALLOWED + [429]
    assert guess(proxied, "203.0.113.7, 198.51.100.1") == 401


def test_without_a_proxy_nobody_is_believed(settings: ServiceSettings) -> None:
    with served(settings, Exposure(port=0, names=("lab.example",))) as address:
        assert [guess(address, f"198.51.100.{number}") for number in range(ALLOWED + 1)] == [401] * ALLOWED + [429]
