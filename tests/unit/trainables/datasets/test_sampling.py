"""The order of an epoch: natural, or classes alike."""

from __future__ import annotations

import numpy as np
import pytest

from trainables.datasets.sampling import epoch_order
from trainables.errors import TaskError

LABELS = np.array([0] * 40 + [1] * 8 + [2] * 2)
SUBSET = np.flatnonzero(np.arange(50) % 2 == 0)


def order(sampling: str, seed: int = 0, indices: np.ndarray = SUBSET) -> np.ndarray:
    return epoch_order(indices, LABELS, sampling, np.random.default_rng(seed))


def test_natural_is_a_permutation_and_needs_no_labels():
    assert sorted(order("natural")) == list(SUBSET)
    assert np.array_equal(order("natural"), epoch_order(SUBSET, None, "natural", np.random.default_rng(0)))


@pytest.mark.parametrize("sampling", ["oversample", "balanced"])
def test_classes_are_drawn_alike_from_the_subset_in_an_epoch_of_the_same_length(sampling):
    drawn = order(sampling)
    assert len(drawn) == len(SUBSET) == 25
    assert set(drawn) <= set(SUBSET)
    counts = np.bincount(LABELS[drawn])
    assert counts.max() - counts.min() <= (1 if sampling == "balanced" else 2)
    assert set(drawn[LABELS[drawn] == 1]) == set(SUBSET[LABELS[SUBSET] == 1]), "a rare class comes as a whole"
    assert len(set(drawn[LABELS[drawn] == 0])) == np.sum(LABELS[drawn] == 0), "a frequent one without repeats"


def test_every_batch_is_balanced():
    drawn = LABELS[order("balanced", indices=np.arange(50))]
    for start in range(0, 50, 7):
        batch = np.bincount(drawn[start : start + 7], minlength=3)
        assert batch.max() - batch.min() <= 2
    spread = [np.ptp(np.bincount(LABELS[order("oversample", seed)][:6], minlength=3)) for seed in range(20)]
    assert max(spread) > 2, "oversampling balances the epoch, not the batch"


@pytest.mark.parametrize("sampling", ["natural", "oversample", "balanced"])
def test_the_order_is_that_of_its_seed(sampling):
    assert np.array_equal(order(sampling, 3), order(sampling, 3))
    assert not np.array_equal(order(sampling, 3), order(sampling, 4))


def test_without_labels_it_is_refused():
    with pytest.raises(TaskError, match="sampling is 'oversample', but the data has no class labels; give Data"):
        epoch_order(SUBSET, None, "oversample", np.random.default_rng(0))
