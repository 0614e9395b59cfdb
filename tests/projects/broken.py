"""A healthy task, and each way of breaking it that `sieve check` must find."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainables.data import Data
from trainables.task import Task


class Healthy(Task):
    """Four overlapping clouds in eight dimensions and a small network."""

    def data(self) -> Data:
        draws = np.random.default_rng(0)
        labels = np.arange(800) % 4
        points = draws.normal(size=(800, 8)).astype("float32")
        points[np.arange(800), labels] += 3.0
        return Data((points[:600], labels[:600]), (points[600:], labels[600:]))

    def model(self, config: Any) -> nn.Module:
        return nn.Sequential(nn.Linear(8, config.get("hidden", 16)), nn.ReLU(), nn.Linear(config.get("hidden", 16), 4))


class Large(Healthy):
    """No more than 64 examples fit in memory at once."""

    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        if model.training and len(batch[-1]) > 64:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return super().loss(model, batch, config)


class Shuffled(Healthy):
    """The labels of validation belong to other examples."""

    def data(self) -> Data:
        points, labels = super().data().validation
        return Data(super().data().train, (points, np.random.default_rng(1).permutation(labels)))


class Frozen(Healthy):
    """The first layer does not train."""

    def model(self, config: Any) -> nn.Module:
        net = super().model(config)
        net[0].requires_grad_(False)
        return net


class Unheard(Healthy):
    """The first layer gets no gradient, as its output is detached; another is never used."""

    def model(self, config: Any) -> nn.Module:
        return _Unheard()


class _Unheard(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.spare = nn.Linear(8, 16), nn.Linear(16, 4), nn.Linear(2, 2)

    def forward(self, points: Tensor) -> Tensor:
        return self.head(self.body(points).detach().relu())


class Unconnected(Healthy):
    """The loss is a number, not a function of the model."""

    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        return super().loss(model, batch, config).detach().requires_grad_()


class Explosive(Healthy):
    """A squared loss of a linear model: a high rate ends in NaN."""

    def model(self, config: Any) -> nn.Module:
        return nn.Linear(8, 4)

    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        points, labels = batch
        return (model(points) - nn.functional.one_hot(labels, 4)).square().mean()


class Leaky(Healthy):
    """Forty validation examples are in training, too."""

    def data(self) -> Data:
        data = super().data()
        points, labels = (np.array(part) for part in data.validation)
        points[:40], labels[:40] = data.train[0][:40], data.train[1][:40]
        return Data(data.train, (points, labels))


class Unordered(Healthy):
    """The examples come in another order at each call."""

    def data(self) -> Data:
        data = super().data()
        order = np.random.default_rng().permutation(600)
        return Data(tuple(part[order] for part in data.train), data.validation)


class Unseeded(Healthy):
    """The loss draws from a generator that no seed reaches."""

    draws = np.random.default_rng()

    def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
        points, labels = batch
        noise = torch.from_numpy(self.draws.normal(size=points.shape).astype("float32"))
        return super().loss(model, (points + noise, labels), config)


class Holed(Healthy):
    """Some inputs are NaN."""

    def data(self) -> Data:
        data = super().data()
        points = np.array(data.train[0])
        points[:3, 0] = np.nan
        return Data((points, data.train[1]), data.validation)


class Negative(Healthy):
    """The classes are numbered from -1."""

    def data(self) -> Data:
        data = super().data()
        return Data((data.train[0], data.train[1] - 1), (data.validation[0], data.validation[1] - 1))


class Constant(Healthy):
    """The metric is the same whatever the model says."""

    def metrics(self, model: nn.Module, batch: Any, config: Any) -> dict[str, float]:
        return {"accuracy": 0.25}


class Forgetful(Healthy):
    """The model keeps a running mean where no checkpoint finds it."""

    def model(self, config: Any) -> nn.Module:
        return _Forgetful(super().model(config))


class _Forgetful(nn.Module):
    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net
        self.mean: Tensor = torch.zeros(8)

    def forward(self, points: Tensor) -> Tensor:
        if self.training:
            self.mean = 0.5 * self.mean + 0.5 * points.detach().mean(dim=0)
        return self.net(points - self.mean)


def forgets(config: dict[str, Any], stage: Any) -> None:
    """A loop of its own whose checkpoint does not hold its state."""
    total = 0.0
    for _ in stage:
        total += 1.0
        stage.report({"score": total}, checkpoint={"nothing": True})


def remembers(config: dict[str, Any], stage: Any) -> None:
    """The same, but sound."""
    total = (stage.checkpoint or {"total": 0.0})["total"]
    for _ in stage:
        total += 1.0
        stage.report({"score": total}, checkpoint={"total": total})
