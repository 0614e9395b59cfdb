"""Tabular tasks: numbers standardized, one-hot columns turned into categories, files of another form refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.errors import TaskError
from trainables.tasks.tabular import Adult, LetterRecognition, Perceptron, Satellite, Tabular


@pytest.mark.parametrize(
    ("task", "sizes"), [(Adult, (36177, 9045)), (LetterRecognition, (16000, 4000)), (Satellite, (5148, 1287))]
)
def test_the_data_fit_the_model(data_dir: Path, task: type[Tabular], sizes: tuple[int, int]) -> None:
    made = task()
    made.data_dir = data_dir
    data = made.data()
    assert (len(data.train[-1]), len(data.validation[-1])) == sizes
    numbers = np.asarray(data.train[0])
    assert numbers.shape == (sizes[0], task.numbers)
    assert np.abs(numbers.mean(axis=0)).max() < 1e-3
    assert np.abs(numbers.std(axis=0) - 1).max() < 1e-2
    assert np.unique(data.train[-1]).tolist() == list(range(task.classes))
    scores = made.model({})(*(torch.from_numpy(np.asarray(array[:5])) for array in data.train[:-1]))
    assert scores.shape == (5, task.classes)


def test_one_hot_columns_become_categories(data_dir: Path) -> None:
    task = Adult()
    task.data_dir = data_dir
    data = task.data()
    with np.load(data_dir / "tabular" / "adult.npz") as file:
        table = file["X"]
    assert (table[:, 6:].reshape(len(table), -1).sum(axis=1) == len(Adult.categories)).all()
    categories = np.concatenate([data.train[1], data.validation[1]])
    assert (categories.max(axis=0) + 1).tolist() == list(Adult.categories)
    assert np.bincount(categories[:, 6]).tolist() == table[:, 61:63].sum(axis=0).tolist()


def test_every_parameter_learns() -> None:
    model = Perceptron({"depth": 2, "dropout": 0.1}, numbers=3, sizes=(2, 5), classes=4)
    categories = torch.tensor([[i % 2, i % 5] for i in range(10)])
    model(torch.randn(10, 3), categories).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert [embedding.embedding_dim for embedding in model.embeddings] == [1, 3]


def test_files_that_are_missing_or_of_another_form_are_refused(tmp_path: Path) -> None:
    task = Satellite()
    task.data_dir = tmp_path
    with pytest.raises(TaskError, match=r"lacks tabular/satellite.npz \(from https://archive.ics.uci.edu.*36 columns"):
        task.data()
    (tmp_path / "tabular").mkdir()
    path = tmp_path / "tabular" / "satellite.npz"
    np.savez(path, X=np.zeros((3, 4), dtype=np.float32), y=np.zeros(3, dtype=np.int64))
    with pytest.raises(TaskError, match=r"has X of shape \(3, 4\); make it again"):
        task.data()
    path.write_bytes(b"no archive")
    with pytest.raises(TaskError, match="cannot be read"):
        task.data()
