"""How many trials share a GPU."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.policy.cluster_share.packing import CONTEXT, MARGIN, MOST, concurrent, fraction, part, wider

GIB = 2**30


@pytest.mark.parametrize(
    ("peak", "total", "fits"),
    [
        (1 * GIB, 16 * GIB, 8),
        (2 * GIB, 16 * GIB, 5),
        (3 * GIB, 16 * GIB, 3),
        (12 * GIB, 16 * GIB, 1),
        (64 * GIB, 16 * GIB, 1),
    ],
)
def test_as_many_fit_as_the_margin_and_the_context_of_each_leave_room_for(peak: int, total: int, fits: int) -> None:
    decided = fraction(peak, total)
    assert concurrent(1, decided.gpu) == fits
    assert f"{peak / GIB:.2f} GiB at its peak" in decided.reason
    assert f"on a GPU of {total / GIB:.2f} GiB" in decided.reason


@given(st.integers(1, 100 * GIB), st.integers(GIB, 200 * GIB))
def test_what_is_packed_fits(peak: int, total: int) -> None:
    fits = concurrent(1, fraction(peak, total).gpu)
    assert 1 <= fits <= MOST
    assert fits == 1 or fits * (peak * MARGIN + CONTEXT) <= total


@pytest.mark.parametrize(("peak", "total", "unknown"), [(None, GIB, "peak memory"), (GIB, None, "memory of the GPUs")])
def test_what_is_not_known_has_a_gpu_of_its_own(peak: int | None, total: int | None, unknown: str) -> None:
    decided = fraction(peak, total)
    assert decided.gpu == 1
    assert unknown in decided.reason


def test_a_share_that_was_too_little_is_not_given_again() -> None:
    assert concurrent(1, fraction(GIB, 16 * GIB).gpu) == 8
    assert concurrent(1, fraction(GIB, 16 * GIB, least=part(5)).gpu) == 4


@given(st.integers(1, 50))
def test_so_many_parts_are_no_more_than_a_whole(fits: int) -> None:
    assert concurrent(1, part(fits)) == fits
    assert round(fits * part(fits) * 10**4) <= 10**4


def test_after_a_trial_ran_out_of_memory_half_as_many_share() -> None:
    shares = [1 / 8]
    while shares[-1] < 1:
        shares.append(wider(shares[-1]).gpu)
    assert shares == [0.125, 0.25, 0.5, 1.0]
    assert "1/3 of a GPU was too little: 1 trial on a GPU" in wider(0.3333).reason


def test_no_trial_spans_two_gpus_in_parts() -> None:
    assert concurrent(3, 0.4) == 6
    assert concurrent(4, 2) == 2
    assert concurrent(0, 0.5) == 0
