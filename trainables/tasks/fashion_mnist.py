"""Fashion-MNIST (Xiao et al., 2017): small convolutional networks on 28×28 images of clothes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from torch import nn

from trainables.data import Data
from trainables.datasets.downloads import Download, contents
from trainables.task import Task
from trainables.tasks.images import Normalize, network

SITE = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
IMAGES = "train-images-idx3-ubyte.gz"
LABELS = "train-labels-idx1-ubyte.gz"
SOURCES = (
    Download(
        f"fashion-mnist/{IMAGES}",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        f"{SITE}/{IMAGES}",
    ),
    Download(
        f"fashion-mnist/{LABELS}",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        f"{SITE}/{LABELS}",
    ),
)
SIDE, CLASSES, VALIDATION = 28, 10, 5000
NORMALIZE = (0.2860,), (0.3530,)


class FashionMNIST(Task):
    """Ten classes; 55 000 of the training images to train on and 5 000 to validate. The test images stay unseen.

    The config keys beside those of the recipe are those of `trainables.tasks.images.network`.
    """

    def data(self) -> Data:
        images, labels = map(idx, contents(SOURCES, self.data_dir))
        train, validation, train_labels, validation_labels = train_test_split(
            images[:, None], labels.astype(np.int64), test_size=VALIDATION, stratify=labels, random_state=0
        )
        return Data((train, train_labels), (validation, validation_labels))

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return network(config, Normalize(*NORMALIZE), SIDE, CLASSES)


def idx(content: bytes) -> NDArray[np.uint8]:
    """The array of bytes in the content of an IDX file: a magic number, big-endian sizes, the values."""
    dimensions = content[3]
    shape = np.frombuffer(content, ">u4", dimensions, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)
