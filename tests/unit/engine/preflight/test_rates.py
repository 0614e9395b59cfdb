"""The range of rates that a ramp suggests, and the batch size that timed batches do."""

from __future__ import annotations

import math

import numpy as np
import pytest

from service.engine.preflight.rates import best_batch, suggested
from trainables.probe.evidence import BatchEvidence, Ramp

RATES = tuple(float(rate) for rate in np.geomspace(1e-7, 10, 141))


def ramp(loss_at: object) -> Ramp:
    losses = tuple(float(loss_at(math.log10(rate))) for rate in RATES)  # type: ignore[operator]
    return Ramp(RATES, losses, losses)


def test_a_valley_gives_a_tenth_of_its_slope_to_where_it_climbs() -> None:
    def valley(decade: float) -> float:
        return 2.3 - 2.0 / (1 + math.exp(-6 * (decade + 3))) + max(0.0, 10 * (decade + 0.5))

    found = suggested(ramp(valley))
    assert found is not None
    low, high = found
    assert low == pytest.approx(1e-4, rel=0.25)  # Steepest at 1e-3.
    assert 0.2 < high < 0.4  # It climbs from 0.3.


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    assert suggested(ramp(lambda _: 2.3)) is None
    assert suggested(ramp(lambda decade: 2.3 + max(0.0, decade))) is None
    assert suggested(Ramp(RATES[:5], RATES[:5], RATES[:5])) is None


def test_the_smallest_batch_that_is_nearly_as_fast_as_the_fastest() -> None:
    timed = [
        BatchEvidence(8, 100, 1),
        BatchEvidence(16, 190, 2),
        BatchEvidence(32, 200, 4),
        BatchEvidence(64, None, None),
    ]
    assert best_batch(timed) == 16
    assert best_batch([BatchEvidence(8, None, None)]) is None
