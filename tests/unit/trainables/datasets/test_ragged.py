"""Examples of different lengths in one array."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from trainables.datasets.array_likes import as_array
from trainables.datasets.ragged import Ragged
from trainables.errors import TaskError

ROWS = [[3, 1, 2], [], [5], [7, 8]]


def rows(value: Any) -> list[list[int]]:
    assert isinstance(value, Ragged)
    return [row.tolist() for row in value]


@pytest.mark.parametrize(
    "value",
    [
        ROWS,
        [np.array(row, dtype=np.int64) for row in ROWS],
        [torch.tensor(row, dtype=torch.int64) for row in ROWS],
        tuple(map(tuple, ROWS)),
        pd.Series(ROWS, index=[3, 1, 2, 0]),
        np.array(ROWS, dtype=object),
        torch.nested.nested_tensor([torch.tensor(row, dtype=torch.int64) for row in ROWS], layout=torch.jagged),
    ],
)
def test_whatever_holds_them_is_taken_by_position(value: Any) -> None:
    assert rows(as_array("x", value)) == ROWS


def test_rows_of_one_length_make_an_array() -> None:
    made = as_array("x", pd.Series([[1, 2], [3, 4]]))
    assert isinstance(made, np.ndarray)
    assert made.tolist() == [[1, 2], [3, 4]]


def test_they_are_taken_by_numbers_like_an_array() -> None:
    ragged = Ragged.of(ROWS)
    assert rows(ragged[np.array([3, 1])]) == [[7, 8], []]
    assert rows(ragged[np.array([True, False, True, False])]) == [[3, 1, 2], [5]]
    assert rows(ragged[np.array([1])]) == [[]]
    assert rows(ragged[np.array([], dtype=int)]) == []
    assert rows(ragged.converted(torch.from_numpy)[np.array([0, 2])]) == [[3, 1, 2], [5]]
    assert ragged[-1].tolist() == [7, 8]
    assert ragged.lengths.tolist() == [3, 0, 1, 2]
    with pytest.raises(IndexError, match="there is no example 4 of 4"):
        ragged[4]


@pytest.mark.parametrize("value", [[[1.0], [[2.0]]], [[1], 2], [[[1, 2]], [[1]]]])
def test_what_differs_in_more_than_length_is_refused(value: Any) -> None:
    with pytest.raises(TaskError, match=r"x is a list that makes no array: its parts differ in shape; pad them, or"):
        as_array("x", value)
