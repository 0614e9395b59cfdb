"""Sizes of memory, by their units; what has none is refused."""

from __future__ import annotations

from typing import Any

import pytest

from service.spec import load
from service.spec.errors import SpecError
from service.spec.size import size
from tests.ray.toys import toy


@pytest.mark.parametrize(
    ("written", "known"),
    [("8GiB", 8 * 2**30), ("500MB", 500_000_000), ("0.5 tib", 2**39), (" 2048KiB ", 2**21), (2**33, 2**33)],
)
def test_a_size_is_bytes(written: Any, known: int) -> None:
    assert size(written) == known
    spec = load(toy(resources={"memory": written}))
    assert spec.resources.memory == known
    assert load(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("written", "cure"),
    [
        (8, "which is 8 bytes; write the unit, such as 8GiB"),
        ("8KB", "write the unit, such as 500MB"),
        ("8", "is '8'; write a size with its unit, such as 8GiB"),
        ("8 gigs", "write a size with its unit"),
        ("-1GiB", "write a size with its unit"),
        (True, "is True; write a size"),
        (float("inf"), "write a size"),
    ],
)
def test_what_is_no_size_is_refused_with_its_cure(written: Any, cure: str) -> None:
    with pytest.raises(SpecError, match=rf"resources/memory: .*{cure}"):
        load(toy(resources={"memory": written}))
