"""Tabular classification (UCI): a multilayer perceptron with embeddings for categories."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from trainables.data import Data
from trainables.datasets.downloads import cache_folder, require
from trainables.errors import TaskError
from trainables.task import Task


class Perceptron(nn.Module):
    """Standardized numbers, and categories of the given ``sizes`` by their embeddings, to scores of the classes.

    Config keys: ``hidden`` units per layer (128), ``depth`` hidden layers with batch norm (2), ``dropout`` after each
    (0), ``embedding`` dimensions of a category, at most half its size (8).
    """

    def __init__(self, config: Mapping[str, Any], numbers: int, sizes: Sequence[int], classes: int) -> None:
        super().__init__()
        widest = config.get("embedding", 8)
        widths = [min(widest, (size + 1) // 2) for size in sizes]
        self.embeddings = nn.ModuleList(map(nn.Embedding, sizes, widths))
        hidden, dropout = config.get("hidden", 128), config.get("dropout", 0.0)
        inputs = numbers + sum(widths)
        layers: list[nn.Module] = []
        for before, after in pairwise([inputs, *[hidden] * config.get("depth", 2)]):
            dense = nn.Linear(before, after, bias=False)
            nn.init.kaiming_normal_(dense.weight, nonlinearity="relu")
            layers += [dense, nn.BatchNorm1d(after), nn.ReLU(), nn.Dropout(dropout)]
            inputs = after
        self.layers = nn.Sequential(*layers, nn.Linear(inputs, classes))

    def forward(self, numbers: Tensor, categories: Tensor | None = None) -> Tensor:
        """Scores of shape (batch, classes); ``categories`` are whole numbers of shape (batch, kinds of them)."""
        columns = () if categories is None else categories.unbind(dim=1)
        embedded = [embedding(column) for embedding, column in zip(self.embeddings, columns, strict=True)]
        return self.layers(torch.cat([numbers, *embedded], dim=1))


class Tabular(Task):
    """A table of ``numbers`` numeric columns, then one-hot columns of categories of the sizes ``categories``.

    A fifth of the rows validates. Numbers are standardized by the training rows. The config keys beside those of the
    recipe are those of `Perceptron`. The file is ``tabular/NAME.npz`` in the data directory: ``X`` with a row for each
    example, ``y`` its class from 0 on; it is not downloaded, as its public sources have other forms.
    """

    name: ClassVar[str]
    page: ClassVar[str]
    """The web page of the data set."""
    numbers: ClassVar[int]
    categories: ClassVar[tuple[int, ...]] = ()
    classes: ClassVar[int]

    def data(self) -> Data:
        table, labels = self._read()
        train, validation = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=0)
        numbers = table[:, : self.numbers]
        numbers = (numbers - numbers[train].mean(axis=0)) / (numbers[train].std(axis=0) + 1e-6)
        arrays = [numbers.astype(np.float32)]
        if self.categories:
            groups = np.split(table[:, self.numbers :], np.cumsum(self.categories)[:-1], axis=1)
            arrays.append(np.stack([group.argmax(axis=1) for group in groups], axis=1).astype(np.int32))
        arrays.append(labels.astype(np.int64))
        return Data(tuple(array[train] for array in arrays), tuple(array[validation] for array in arrays))

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return Perceptron(config, self.numbers, self.categories, self.classes)

    def _read(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        path, columns = f"tabular/{self.name}.npz", self.numbers + sum(self.categories)
        form = f"{self.page}, saved by numpy.savez as X, float32 of {columns} columns, and y, classes from 0 on"
        folder = self.data_dir or cache_folder()
        require([(path, form)], folder)
        try:
            with np.load(io.BytesIO((folder / path).read_bytes())) as file:
                table, labels = file["X"], file["y"]
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise TaskError(
                f"the file {folder / path} cannot be read: {error}", f"make it again from {form}"
            ) from error
        if table.shape != (len(labels), columns):
            raise TaskError(f"the file {folder / path} has X of shape {table.shape}", f"make it again from {form}")
        return table, labels


class Adult(Tabular):
    """Whether an income is above 50 000 dollars: 45 222 people, 6 numbers and 8 categories."""

    name, page = "adult", "https://archive.ics.uci.edu/dataset/2/adult (rows without gaps, categories one-hot)"
    numbers, categories, classes = 6, (7, 16, 7, 14, 6, 5, 2, 41), 2


class LetterRecognition(Tabular):
    """26 letters by 16 numbers of their shape: 20 000 examples."""

    name, page = "letterrecognition", "https://archive.ics.uci.edu/dataset/59/letter+recognition"
    numbers, classes = 16, 26


class Satellite(Tabular):
    """Six kinds of soil by 36 numbers of a satellite's image: 6 435 examples."""

    name, page = "satellite", "https://archive.ics.uci.edu/dataset/146/statlog+landsat+satellite"
    numbers, classes = 36, 6
