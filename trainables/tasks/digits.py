"""Handwritten digits: a multilayer perceptron on the 1 797 images of 8×8 pixels that scikit-learn ships."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from trainables.data import Data
from trainables.task import Task

PIXELS, CLASSES = 64, 10


class Digits(Task):
    """Ten classes, 1 437 training and 360 validation examples, always the same ones.

    Config keys besides those of the recipe: ``hidden`` units per layer (default 128), ``depth`` hidden layers (1),
    ``dropout`` after each (0).
    """

    def data(self) -> Data:
        images, digits = load_digits(return_X_y=True)
        inputs = (images / 16.0).astype(np.float32)
        train, validation, train_digits, validation_digits = train_test_split(
            inputs, digits.astype(np.int64), test_size=0.2, stratify=digits, random_state=0
        )
        return Data((train, train_digits), (validation, validation_digits))

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        layers: list[nn.Module] = []
        width = PIXELS
        for _ in range(config.get("depth", 1)):
            layers += [nn.Linear(width, config.get("hidden", 128)), nn.ReLU(), nn.Dropout(config.get("dropout", 0.0))]
            width = config.get("hidden", 128)
        return nn.Sequential(*layers, nn.Linear(width, CLASSES))
