"""Data: checked, shared without copies, batched in a given order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from trainables.data import Data
from trainables.errors import TaskError
from trainables.loader import Loader
from trainables.stages import Plan, Stage

CPU = torch.device("cpu")


class Stream(IterableDataset[int]):
    """Has a length, but no numbers."""

    def __len__(self) -> int:
        return 12

    def __iter__(self) -> Iterator[int]:
        return iter(range(12))


def batches(examples: Any, order: Any, size: int, device: torch.device, workers: int = 0) -> Any:
    return Loader(workers=workers).batches(examples, order, size, device)


INPUTS = np.arange(24, dtype=np.float32).reshape(12, 2)
LABELS = np.array([0, 1, 2] * 4)


def test_the_last_array_gives_the_classes_if_it_is_a_vector_of_integers():
    assert np.array_equal(Data((INPUTS, LABELS), (INPUTS, LABELS)).labels, LABELS)
    assert np.array_equal(Data((torch.tensor(INPUTS), torch.tensor(LABELS)), (INPUTS, LABELS)).labels, LABELS)
    assert Data((INPUTS, INPUTS[:, 0]), (INPUTS, INPUTS[:, 0])).labels is None


@pytest.mark.parametrize(
    ("train", "labels", "message"),
    [
        ((INPUTS, LABELS[:5]), None, r"train has arrays of \[12, 5\] examples"),
        ((INPUTS[:0],), None, "train has no examples"),
        ((), None, "train has no examples"),
        ((INPUTS,), LABELS[:5], "one integer for each of the 12 train examples"),
        ((INPUTS,), INPUTS[:, 0], "one integer for each of the 12 train examples"),
        (
            [1, 2].__iter__(),
            None,
            r"list_iterator, a stream, .* no number .*; give a map-style dataset .* list\(stream\)",
        ),
        (Stream(), None, "Data.train is a Stream, a stream, whose examples have no number by which a stage"),
        (DataLoader(TensorDataset(torch.ones(4, 1))), None, "Data.train is a DataLoader, .* of its own; give its data"),
        ((INPUTS, np.array(["cat", "dog"] * 6)), None, "train/1 is an array of type <U3; give numbers, and integers"),
        ((LABELS.astype(object), LABELS), None, "train/0 is an array of type object; give numbers"),
        ((INPUTS,), np.array(["cat", "dog"] * 6), "type <U3; give one integer for each of the 12 train examples"),
    ],
)
def test_what_does_not_fit_is_refused(train, labels, message):
    with pytest.raises(TaskError, match=message):
        Data(train, (INPUTS, LABELS), labels)


def test_packed_and_unpacked_share_memory_even_when_read_only():
    shared = INPUTS.copy()
    shared.flags.writeable = False
    unpacked = Data((shared, LABELS), (shared, LABELS)).unpacked()
    assert isinstance(unpacked.train, tuple)
    assert isinstance(unpacked.train[0], torch.Tensor)
    assert unpacked.train[0].data_ptr() == shared.ctypes.data
    packed = unpacked.packed()
    assert isinstance(packed.train[0], np.ndarray)
    assert packed.train[0].ctypes.data == shared.ctypes.data
    assert packed.sharable


def test_arrays_and_datasets_give_the_same_batches_in_the_given_order():
    tensors = (torch.tensor(INPUTS), torch.tensor(LABELS))
    order = np.array([7, 3, 11, 0, 5])
    fast = list(batches(tensors, order, 2, CPU))
    slow = list(batches(TensorDataset(*tensors), order, 2, CPU))
    assert [len(batch[0]) for batch in fast] == [2, 2, 1]
    assert torch.equal(torch.cat([batch[0] for batch in fast]), tensors[0][order])
    for left, right in zip(fast, slow, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize(
    "odd",
    [
        INPUTS[::-1],
        INPUTS[:, ::-1],
        INPUTS.astype(">f4"),
        np.rec.fromarrays([INPUTS[:, 0], np.zeros(12, np.int8)], names="x,y")["x"],
    ],
)
def test_arrays_that_torch_cannot_take_are_converted(odd):
    data = Data((odd, LABELS.astype(">i8")[::-1]), (odd, LABELS)).unpacked()
    assert isinstance(data.train, tuple)
    assert torch.equal(data.train[0], torch.tensor(odd.tolist()))
    assert torch.equal(data.train[1], torch.tensor(LABELS[::-1].tolist()))
    assert np.array_equal(data.labels, LABELS[::-1])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64", "bool"])
def test_integers_of_every_width_make_batches(dtype):
    labels = (LABELS % 2).astype(dtype)
    data = Data((INPUTS, labels), (INPUTS, labels)).packed().unpacked()
    [batch] = batches(data.train, np.arange(12), 12, CPU)
    assert batch[1].long().tolist() == data.labels.tolist() == (LABELS % 2).tolist()


class Items(Dataset[Any]):
    """A dataset of two items alike."""

    def __init__(self, item: Any) -> None:
        self.item = item

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        return self.item


@pytest.mark.parametrize("workers", [0, 1])
def test_a_dataset_without_targets_gives_batches_of_one_tensor(workers):
    class Rows(Items):
        def __getitem__(self, index: int) -> Any:
            return torch.tensor(INPUTS[index])

    [batch] = batches(Rows(None), np.array([1, 0]), 2, CPU, workers)
    assert len(batch) == 1
    assert torch.equal(batch[0], torch.tensor(INPUTS[[1, 0]]))


@pytest.mark.parametrize("item", [3, 0.5, np.float32(2), np.ones(3), (torch.ones(2), 1), [np.ones((2, 2)), True]])
def test_items_of_tensors_arrays_and_numbers_are_taken(item):
    [batch] = batches(Items(item), np.arange(2), 2, CPU)
    parts = item if isinstance(item, (tuple, list)) else (item,)
    for got, part in zip(batch, parts, strict=True):
        assert torch.equal(got, torch.stack([torch.as_tensor(part)] * 2))


@pytest.mark.parametrize(
    ("item", "what"),
    [
        ({"x": torch.ones(2), "y": None}, "a dict with the keys x, y with None in it"),
        ("a cat", "a str"),
        ((torch.ones(2), object()), "a tuple with a object in it"),
        ([np.array(["cat"]), 1], "a list with an array of type <U3 in it"),
        ((), "a tuple"),
        ({}, "a dict with the keys "),
        (None, "None"),
    ],
)
def test_other_items_are_refused_with_what_they_are(item, what):
    with pytest.raises(TaskError, match=f"^an item of the dataset is {what}; return tensors, arrays or numbers"):
        list(batches(Items(item), np.arange(2), 2, CPU))


def test_an_item_refused_in_another_process_comes_without_its_traceback():
    with pytest.raises(TaskError, match=r"^an item of the dataset is a str; return tensors"):
        list(batches(Items("a cat"), np.arange(2), 2, CPU, workers=1))


def test_validation_is_the_same_at_every_stage_unless_it_limits_the_classes():
    data = Data((INPUTS, LABELS), (INPUTS, LABELS))
    assert len(data.validation_indices(Stage(0.5, 1), 0)) == 12
    limited = data.validation_indices(Stage(0.5, 1, 2), 0)
    assert len(limited) == 8
    assert set(LABELS[limited]) == set(LABELS[data.training_indices(Stage(0.5, 1, 2), 0)])


def test_check_names_the_stage_that_cannot_be_had():
    data = Data((INPUTS, LABELS), (INPUTS, LABELS))
    assert data.check(Plan((Stage(0.5, 1), Stage(1.0, 1))), 0) == (6, 12)
    assert data.check(Plan((Stage(0.1, 1), Stage(1.0, 1))), 0) == (3, 12)
    with pytest.raises(TaskError, match=r"stages/0: data 0.01 leaves none of the 12 examples"):
        Data((INPUTS,), (INPUTS,)).check(Plan((Stage(0.01, 1), Stage(1.0, 1))), 0)
    with pytest.raises(TaskError, match=r"stages/0: classes is 4, but the data has 3"):
        data.check(Plan((Stage(1.0, 1, 4), Stage(1.0, 2))), 0)


def test_a_dataset_needs_labels_of_both_parts_for_a_stage_of_classes():
    class Squares(Dataset[tuple[int, int]]):
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> tuple[int, int]:
            return index, index % 3

    labels = np.arange(6) % 3
    stage = Stage(1.0, 1, 2)
    with pytest.raises(TaskError, match="validation_labels"):
        Data(Squares(), Squares(), labels).validation_indices(stage, 0)
    data = Data(Squares(), Squares(), labels, labels)
    assert not data.sharable
    assert len(data.validation_indices(stage, 0)) == 4
    with pytest.raises(TaskError, match="no validation example is of these classes"):
        Data(Squares(), Squares(), labels, labels + 10).validation_indices(stage, 0)


SHUFFLED = np.random.default_rng(0).permutation(12)
FRAME = pd.DataFrame({"a": INPUTS[:, 0], "b": INPUTS[:, 1], "label": LABELS}, index=SHUFFLED)


@pytest.mark.parametrize(
    ("inputs", "labels"),
    [
        (FRAME[["a", "b"]], FRAME["label"]),
        (pa.table({"a": INPUTS[:, 0], "b": INPUTS[:, 1]}), pa.chunked_array([LABELS[:5], LABELS[5:]])),
        (INPUTS.tolist(), LABELS.tolist()),
        (tuple(torch.tensor(INPUTS)), tuple(LABELS)),
    ],
)
def test_whatever_is_like_an_array_is_taken_by_position(inputs, labels):
    data = Data((inputs, labels), (inputs, labels), labels, labels).unpacked()
    assert np.array_equal(data.labels, LABELS)
    [batch] = batches(data.train, SHUFFLED, 12, CPU)
    assert batch[0].tolist() == INPUTS[SHUFFLED].tolist()
    assert batch[1].tolist() == LABELS[SHUFFLED].tolist()


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (FRAME, r"Data.train is a DataFrame; give a tuple of arrays, or a dataset"),
        (FRAME["label"], "Data.train is a Series; give a tuple of arrays"),
        (pa.table({"a": LABELS}), "Data.train is a Table; give a tuple of arrays"),
        ({"x": INPUTS, "y": LABELS}, "Data.train is a dict; give a tuple of arrays"),
        ([INPUTS, LABELS], r"Data.train is a list of 2 arrays with 12 rows each; write a tuple, \(inputs, labels\)"),
        ((np.ma.masked_less(INPUTS, 3), LABELS), "train/0 is an array with 3 masked entries; fill or drop them"),
        ((INPUTS.astype(np.longdouble), LABELS), r"train/0 is an array of type \w+, which torch has not; give float32"),
        (
            (torch.tensor(INPUTS).bfloat16(), LABELS),
            "train/0 is a tensor of type bfloat16, which no array can hold",
        ),
        ((torch.tensor(INPUTS).to_sparse(), LABELS), r"train/0 is a sparse tensor; give .to_dense\(\)"),
        ((INPUTS, np.full(12, 2**63, dtype="uint64")), r"numbers up to 9223372036854775808, .* too large for int64"),
        ((FRAME, LABELS.astype("datetime64[s]")), "train/1 is an array of type datetime64"),
        ((FRAME["label"].astype("category").cat.rename_categories(list("xyz")), LABELS), "train/0 is an array of type"),
        (([[1.0], [[2.0], [3.0]]], [0, 1]), "train/0 is a list that makes no array: its parts differ in shape"),
        (([["a"], ["b", "c"]], [0, 1]), "train/0 is an array of type <U1; give numbers"),
        ((iter(LABELS), LABELS), r"train/0 is of type .*iterator; give a numpy array or a tensor"),
        (({"x": 1}, LABELS), "train/0 is of type dict; give a numpy array or a tensor"),
        ((3, LABELS), "train/0 is of type int; give a numpy array or a tensor"),
        ((np.float32(3), LABELS), "train/0 is a single number; give a numpy array"),
    ],
)
def test_what_cannot_be_taken_by_position_is_refused(train, message):
    with pytest.raises(TaskError, match=message):
        Data(train, (INPUTS, LABELS))


def test_a_dataset_is_asked_for_plain_integers():
    asked = []

    class Asked(Items):
        def __getitem__(self, index: int) -> Any:
            asked.append(index)
            return torch.zeros(2)

    list(batches(Asked(None), np.array([1, 0]), 2, CPU))
    assert [type(index) for index in asked] == [int, int]
