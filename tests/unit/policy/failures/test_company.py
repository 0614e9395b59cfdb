"""A trial that its node's memory was too small for is tried again among fewer."""

from __future__ import annotations

import pytest

from service.policy.failures.company import company, killed, with_fewer

GIB = 2**30


@pytest.mark.parametrize(("slots", "kills", "most"), [(8, 1, 4), (8, 2, 2), (8, 9, 1), (2, 1, 1), (1, 1, 1), (3, 1, 1)])
def test_each_kill_halves_the_company(slots: int, kills: int, most: int) -> None:
    assert company(slots, kills) == most


def test_the_reason_has_what_is_known() -> None:
    told = "its worker process was killed, as its node ran out of memory"
    assert killed(2 * GIB, 15 * GIB, 16 * GIB) == f"{told} (15.00 of 16.00 GiB were in use); it took 2.00 GiB"
    assert killed(None, None, None) == told
    assert (with_fewer(1), with_fewer(4)) == ("alone", "with at most 4 trials at once")
