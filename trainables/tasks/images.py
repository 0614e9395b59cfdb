"""Small convolutional networks for small images: a plain CNN, VGG and ResNet, by config keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import TaskError
from trainables.nearest import nearest

MODELS = ("cnn", "vgg", "resnet")


class Normalize(nn.Module):
    """Pixels as uint8, of shape (batch, channels, height, width), to floats with the given mean and deviation."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(-1, 1, 1) * 255, persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(-1, 1, 1) * 255, persistent=False)

    def forward(self, pixels: Tensor) -> Tensor:
        return (pixels - self.mean) / self.deviation


class Residual(nn.Module):
    """A basic block (He et al., 2016) whose branch begins as zero, as in Goyal et al. (2017)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        norm = nn.BatchNorm2d(outputs)
        nn.init.zeros_(norm.weight)
        inner = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.branch = nn.Sequential(*convolution(inputs, outputs, stride), inner, norm)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.relu(self.shortcut(inputs) + self.branch(inputs))


def convolution(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
    """A 3×3 convolution with batch norm and ReLU."""
    return [nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def network(config: Mapping[str, Any], normalize: Normalize, side: int, classes: int) -> nn.Module:
    """The network that ``config`` asks for, for images of ``side`` × ``side`` pixels.

    Keys: ``model`` (cnn, vgg or resnet; default cnn), ``width`` channels of the first level, doubled at each further
    one (16), ``depth`` levels, each of half the resolution (2), ``blocks`` of each level of a vgg (convolutions) or a
    resnet (residual blocks) (2), ``hidden`` units of a cnn's or vgg's dense layer (128), ``dropout`` before dense
    layers (0).

    Raises:
        TaskError: there is no such model, or no pixel is left at the last level.
    """
    model, width, depth = config.get("model", MODELS[0]), config.get("width", 16), config.get("depth", 2)
    if model not in MODELS:
        raise TaskError(f"model is {model!r}{nearest(str(model), MODELS)}", f"allowed: {', '.join(MODELS)}")
    if side >> depth < 1:
        raise TaskError(f"depth is {depth}, but {side} pixels can be halved {side.bit_length() - 1} times", "use fewer")
    layers: list[nn.Module] = [normalize]
    channels = len(normalize.mean)
    for level in range(depth):
        layers += _level(model, channels, width * 2**level, config.get("blocks", 2), first=level == 0)
        channels = width * 2**level
    dropout = nn.Dropout(config.get("dropout", 0.0))
    if model == "resnet":
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), dropout, nn.Linear(channels, classes)]
    else:
        pixels, hidden = (side >> depth) ** 2, config.get("hidden", 128)
        layers += [nn.Flatten(), dropout, nn.Linear(channels * pixels, hidden), nn.ReLU()]
        layers += [dropout, nn.Linear(hidden, classes)]
    for layer in layers:
        layer.apply(_initialize)
    return nn.Sequential(*layers)


def _level(model: str, inputs: int, outputs: int, blocks: int, first: bool) -> list[nn.Module]:
    if model == "cnn":
        return [*convolution(inputs, outputs), nn.MaxPool2d(2)]
    channels = [inputs, *[outputs] * blocks]
    if model == "resnet":
        return [Residual(*pair, 2 if n == 0 and not first else 1) for n, pair in enumerate(pairwise(channels))]
    return [*(layer for pair in pairwise(channels) for layer in convolution(*pair)), nn.MaxPool2d(2)]


def _initialize(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
