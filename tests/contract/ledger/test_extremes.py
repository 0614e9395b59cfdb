"""What a trial reported comes back from every store and frame as it was, however tiny, huge or long."""

from __future__ import annotations

import io
import math
import struct

import pytest

from service.ledger.records import Batch, ReportRecord, TrialRecord
from service.ledger.results import arrow, frames
from service.ledger.results.results import Results
from service.ledger.store.store import Store
from tests.extremes import ENDS

VALUES = [*ENDS, math.inf, -math.inf, math.nan]
LONG = "ü" * 100_000


def bits(values: list[float]) -> list[bytes]:
    return [b"nan" if math.isnan(value) else struct.pack("d", value) for value in values]


@pytest.fixture
def results(claimed: Store) -> Results:
    config = {"x": 5e-324, "n": 2**60, "opt": LONG}
    trials = [TrialRecord(number, config, "FINISHED", seconds=1e308) for number in range(1, len(VALUES) + 1)]
    reports = [
        ReportRecord(number, 0, 1, 1.0, 1.0, {"score": value, **{f"m{i}": value for i in range(300)}}, 1.0, True, 1.0)
        for number, value in enumerate(VALUES, 1)
    ]
    claimed.append("a", 1, Batch(trials, reports))
    return Results(claimed)


def test_values_come_back_bit_for_bit(claimed: Store, results: Results) -> None:
    assert bits([report.metrics["score"] for report in claimed.reports("a")]) == bits(VALUES)
    assert bits(list(results.history("a")["score"])) == bits(VALUES)
    assert bits(list(results.history("a")["m299"])) == bits(VALUES)
    trials = results.trials("a")
    assert set(trials["config/n"]) == {2**60}
    assert set(trials["config/opt"]) == {LONG}
    assert bits(list(trials["config/x"])) == bits([5e-324] * len(VALUES))
    sink = io.BytesIO()
    arrow.write(trials, sink)
    sink.seek(0)
    again = arrow.read(sink, {})
    assert list(again["config/n"]) == list(trials["config/n"])
    assert bits(list(again["score"])) == bits(list(trials["score"]))
    assert len(results.best("a", 3)) == 3
    assert frames is not None


def test_the_best_is_the_largest_finite_value(results: Results) -> None:
    [best] = results.best_rows("a")
    assert best["score"] == max(value for value in VALUES if math.isfinite(value))
