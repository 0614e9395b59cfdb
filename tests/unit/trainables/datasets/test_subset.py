"""Subsets: nested, stratified, seeded, and refused with a fraction that works."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainables.datasets.subset import class_indices, rare_classes, smallest_fraction, subset_indices
from trainables.errors import TaskError
from trainables.stages import Stage

fractions = st.floats(0.05, 1.0)
seeds = st.integers(0, 2**31)
classes = st.integers(2, 6)


@st.composite
def label_vectors(draw: st.DrawFn) -> np.ndarray:
    sizes = draw(st.lists(st.integers(10, 60), min_size=6, max_size=8))
    labels = np.repeat(np.arange(len(sizes)) * 3 - 4, sizes)
    return np.random.default_rng(draw(seeds)).permutation(labels)


@given(label_vectors(), fractions, fractions, classes, classes, seeds)
def test_more_data_and_classes_contain_less(labels, first, second, few, many, seed):
    small = Stage(min(first, second), 1, min(few, many))
    large = Stage(max(first, second), 1, max(few, many))
    assert set(subset_indices(labels, small, seed)) <= set(subset_indices(labels, large, seed))
    assert set(subset_indices(labels, large, seed)) <= set(subset_indices(labels, Stage(large.data, 1), seed))


@given(label_vectors(), fractions, seeds)
def test_each_class_keeps_its_share(labels, fraction, seed):
    chosen = subset_indices(labels, Stage(fraction, 1), seed)
    assert chosen.dtype == np.int64
    assert np.all(np.diff(chosen) > 0)
    for code, size in zip(*np.unique(labels, return_counts=True), strict=True):
        assert abs(np.sum(labels[chosen] == code) - fraction * size) <= 0.5


@given(label_vectors(), classes, seeds)
def test_a_stage_of_classes_has_only_these_in_training_and_validation(labels, count, seed):
    stage = Stage(1.0, 1, count)
    used = set(labels[subset_indices(labels, stage, seed)])
    assert len(used) == count
    validation = labels[::-1]
    assert set(validation[class_indices(validation, labels, stage, seed)]) == used


@given(st.integers(1, 500), fractions, fractions, seeds)
def test_without_labels_subsets_are_nested_too(size, first, second, seed):
    low, high = sorted((first, second))
    if int(low * size + 0.5) == 0:
        return
    small, large = (subset_indices(size, Stage(data, 1), seed) for data in (low, high))
    assert set(small) <= set(large) <= set(range(size))
    assert len(large) == int(high * size + 0.5)


def test_the_seed_decides():
    labels = np.repeat([0, 1], 50)
    stage = Stage(0.2, 1)
    assert np.array_equal(subset_indices(labels, stage, 1), subset_indices(labels, stage, 1))
    assert not np.array_equal(subset_indices(labels, stage, 1), subset_indices(labels, stage, 2))


@given(st.integers(1, 10_000))
def test_the_smallest_fraction_named_works_and_one_below_does_not(size):
    fraction = smallest_fraction(size)
    assert len(subset_indices(size, Stage(fraction, 1), 0)) > 0
    with pytest.raises(TaskError, match=f"leaves none of the {size} examples"):
        subset_indices(size, Stage(fraction * 0.99, 1), 0)


def test_a_rare_class_keeps_an_example_and_forces_no_larger_share():
    labels = np.repeat([3, 5, 7], [1000, 4, 1])
    chosen = subset_indices(labels, Stage(0.01, 1), 0)
    assert np.unique(labels[chosen], return_counts=True)[1].tolist() == [10, 1, 1]
    assert rare_classes(labels, Stage(0.01, 1), 0) == 2
    assert rare_classes(labels, Stage(0.2, 1), 0) == 1
    assert set(chosen) <= set(subset_indices(labels, Stage(0.2, 1), 0))


def test_classes_are_refused_beyond_those_there_are_and_without_labels():
    with pytest.raises(TaskError, match="classes is 3, but the data has 2"):
        subset_indices(np.repeat([0, 1], 5), Stage(1.0, 1, 3), 0)
    with pytest.raises(TaskError, match="no class labels"):
        subset_indices(10, Stage(1.0, 1, 2), 0)
    with pytest.raises(TaskError, match=r"leaves none of the 10 examples; use a fraction of at least 0.05"):
        subset_indices(10, Stage(0.01, 1), 0)
