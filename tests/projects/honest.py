"""Sound tasks of unusual kinds, which a check must not take for broken ones; and some whose own code raises."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from broken import Healthy
from torch import Tensor, nn
from torch.utils.data import Dataset

from trainables.data import Data
from trainables.task import Task


class Dice(Healthy):
    """The loss, a negative score, begins below 0."""

    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        points, labels = batch
        found, wanted = model(points).softmax(dim=1), nn.functional.one_hot(labels, 4)
        return -(2 * (found * wanted).sum() + 1) / (found.sum() + wanted.sum() + 1)


class Rare(Task):
    """One example in a hundred is positive; recall divides by their number."""

    labelled = True

    def data(self) -> Data:
        points = np.random.default_rng(0).normal(size=(1200, 4)).astype("float32")
        marked = (np.arange(1200) % 100 == 99).astype("int64" if self.labelled else "float32")
        points[:, 0] += 4 * marked
        return Data((points[:800], marked[:800]), (points[800:], marked[800:]))

    def model(self, config: Any) -> nn.Module:
        return nn.Linear(4, 1)

    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        points, marked = batch
        return nn.functional.binary_cross_entropy_with_logits(model(points)[:, 0], marked.float())

    def metrics(self, model: nn.Module, batch: Any, config: Any) -> dict[str, Tensor]:
        points, marked = batch
        return {"found": (marked * (model(points)[:, 0] > 0)).float().mean(), "marked": marked.float().mean()}

    def summary(self, means: Any, examples: int) -> dict[str, float]:
        return {"recall": means["found"] / means["marked"]}


class RareUnlabelled(Rare):
    """The same without class labels to draw examples by, and with a single positive in validation, not in its half."""

    labelled = False

    def data(self) -> Data:
        data = super().data()
        assert isinstance(data.validation, tuple)
        alone = np.zeros(400, dtype="float32")
        alone[95] = 1
        return Data(data.train, (data.validation[0], alone))


class Lazy(Healthy):
    """The shapes of the weights are those of the first batch."""

    def model(self, config: Any) -> nn.Module:
        return nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(4))


class Sparse(Task):
    """An embedding with sparse gradients, which Adam refuses."""

    def data(self) -> Data:
        words = np.random.default_rng(0).integers(0, 20, (300, 4))
        return Data((words[:200], words[:200, 0] // 10), (words[200:], words[200:, 0] // 10))

    def model(self, config: Any) -> nn.Module:
        return nn.Sequential(nn.Embedding(20, 4, sparse=True), nn.Flatten(), nn.Linear(16, 2))


class Ignoring(Healthy):
    """A fifth of the training labels are -100, which cross entropy ignores."""

    def data(self) -> Data:
        data = super().data()
        labels = np.array(data.train[1])
        labels[::5] = -100
        return Data((data.train[0], labels), data.validation)


class Augmented(Healthy):
    """Datasets whose examples are moved a little, at random."""

    def data(self) -> Data:
        data = super().data()
        parts = (Moving(*part) for part in (data.train, data.validation))
        return Data(*parts, data.labels, data.validation_labels)


class Moving(Dataset[Any]):
    """Draws from the generators of Python and numpy."""

    def __init__(self, points: Any, labels: Any) -> None:
        self.points, self.labels = points, labels

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: int) -> Any:
        return torch.tensor(self.points[index] + random.random() + np.random.rand(), dtype=torch.float32), int(
            self.labels[index]
        )


class Restless(Healthy):
    """The same from a generator that no seed reaches."""

    def data(self) -> Data:
        data = super().data()
        return Data(Drifting(*data.train), Drifting(*data.validation), data.labels, data.validation_labels)


class Drifting(Moving):
    """Draws anew each time."""

    draws = np.random.default_rng()

    def __getitem__(self, index: int) -> Any:
        return torch.tensor(self.points[index] + self.draws.random(), dtype=torch.float32), int(self.labels[index])


class Unreadable(Healthy):
    """An example cannot be read."""

    def data(self) -> Data:
        data = super().data()
        return Data(Missing(*data.train), Missing(*data.validation), data.labels, data.validation_labels)


class Missing(Moving):
    """Its files are not there."""

    def __getitem__(self, index: int) -> Any:
        raise FileNotFoundError(f"no file for example {index}")


class Keyless(Healthy):
    """The model asks for a key that the config does not have."""

    def model(self, config: Any) -> nn.Module:
        return nn.Linear(8, config["width"])


class Exiting(Healthy):
    """The model ends Python."""

    def model(self, config: Any) -> nn.Module:
        raise SystemExit(3)


class Named(Healthy):
    """Examples are dictionaries."""

    def model(self, config: Any) -> nn.Module:
        class ByName(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.scores = nn.Linear(8, 4)

            def forward(self, points: Tensor) -> Tensor:
                return self.scores(points)

        return ByName()

    def data(self) -> Data:
        data = super().data()
        return Data(Named.Examples(*data.train), Named.Examples(*data.validation), data.labels, data.validation_labels)

    class Examples(Moving):
        """Parts by name."""

        def __getitem__(self, index: int) -> Any:
            return {"points": self.points[index], "label": int(self.labels[index])}
