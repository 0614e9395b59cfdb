"""How long a trial may be silent."""

from __future__ import annotations

from typing import Any

import pytest

from service.policy.failures.silence import FLOOR, UNKNOWN, patience, words
from service.spec import load
from service.spec.errors import SpecError
from tests.ray.toys import toy


def test_by_default_it_is_many_times_the_longest_epoch_and_at_least_half_an_hour() -> None:
    def seconds(data: float, longest: dict[float, float]) -> float:
        found = patience("auto", data, longest)
        assert found is not None
        return found.seconds

    assert seconds(1.0, {}) == UNKNOWN
    assert seconds(0.1, {0.1: 2.0}) == FLOOR
    assert seconds(0.1, {0.1: 600.0}) == 12_000
    assert seconds(1.0, {0.1: 600.0}) == 120_000, "ten times the data may take ten times as long"
    assert seconds(0.1, {0.1: 60.0, 1.0: 900.0}) == 18_000, "less data takes no longer"


def test_what_the_spec_says_holds_and_null_is_for_ever() -> None:
    short = patience(90.0, 1.0, {1.0: 600.0})
    assert short is not None
    assert short.hung == "it reported nothing for 90 s, longer than hang_timeout: it hangs"
    assert short.silent == "silent for more than 45 s; after 90 s it is ended and tried again"
    assert patience(None, 1.0, {1.0: 600.0}) is None


def test_the_reason_says_what_was_seen() -> None:
    quick, slow = patience("auto", 1.0, {1.0: 1.0}), patience("auto", 1.0, {1.0: 600.0})
    assert quick is not None
    assert slow is not None
    assert quick.hung == "it reported nothing for 30 min, and no epoch was seen to take more than 90 s: it hangs"
    assert slow.hung == "it reported nothing for 3.33 h, 20 times as long as an epoch takes: it hangs"


@pytest.mark.parametrize(("seconds", "told"), [(8.0, "8 s"), (119.0, "119 s"), (120.0, "2 min"), (86400.0, "24 h")])
def test_words(seconds: float, told: str) -> None:
    assert words(seconds) == told


@pytest.mark.parametrize(
    ("written", "known"), [("90s", 90.0), ("2h", 7200.0), (45, 45.0), ("auto", "auto"), (None, None)]
)
def test_the_key_is_a_time_auto_or_null(written: Any, known: Any) -> None:
    spec = load(toy(hang_timeout=written))
    assert spec.hang_timeout == known
    assert load(spec.to_dict()) == spec
    assert load(toy()).hang_timeout == "auto"


@pytest.mark.parametrize("written", [0, -1, "never", True, "5 parsecs"])
def test_what_is_no_time_is_refused_with_its_cure(written: Any) -> None:
    with pytest.raises(SpecError, match=r"hang_timeout.*write a time above zero such as 30m or 2h, auto, or null"):
        load(toy(hang_timeout=written))
