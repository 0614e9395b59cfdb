"""Frames through Arrow and back: nothing changes, whatever a config holds."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd
import pytest

from service.ledger.results import arrow, frames

COLUMNS: dict[str, list[Any]] = {
    "whole": [1, 2, 3],
    "real": [1.5, None, 2.0],
    "words": ["a", None, "c"],
    "flags": [True, False, True],
    "some flags": [True, None, False],
    "lists": [[8], [8, 8], None],
    "mixed lists": [[8, "a"], [1.5], []],
    "mixture": [[8], "none", 3],
    "mappings": [{"uniform": [0, 1]}, {"choice": ["a"]}, None],
    "nothing": [None, None, None],
}


def through(frame: pd.DataFrame, dtypes: dict[str, str]) -> pd.DataFrame:
    sink = io.BytesIO()
    arrow.write(frame, sink)
    sink.seek(0)
    return arrow.read(sink, dtypes)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_as_it_was(name: str) -> None:
    rows = [{"stage": None, "why": "", "started": 1e9, name: value} for value in COLUMNS[name]]
    dtypes = {"stage": "Int64", "why": "string", "started": frames.TIME}
    made = frames.frame(rows, dtypes)
    back = through(made, dtypes)
    pd.testing.assert_frame_equal(back, made, check_exact=True)
    assert list(map(repr, back[name])) == list(map(repr, made[name]))


def test_a_frame_without_rows_keeps_its_columns() -> None:
    dtypes = frames.trial_columns("score")
    pd.testing.assert_frame_equal(through(frames.frame([], dtypes), dtypes), frames.frame([], dtypes))


def test_others_read_the_dtypes_from_the_stream() -> None:
    rows = [{"stage": 1, "why": "so", "started": 1e9}]
    made = frames.frame(rows, {"stage": "Int64", "why": "string", "started": frames.TIME})
    pd.testing.assert_frame_equal(arrow.table(made).to_pandas(), made)
