"""A small cluster of two nodes with a dashboard, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cluster.local import LocalCluster


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    cluster = LocalCluster.start(2, 2, 0, tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.stop()
