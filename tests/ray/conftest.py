"""One local Ray for all tests of this folder: starting it costs seconds. Its GPU is one that only Ray believes in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.connect import connect


@pytest.fixture(scope="session", autouse=True)
def cluster() -> Iterator[None]:
    with connect(cpus=2, gpus=1):
        yield
