"""CIFAR-10 (Krizhevsky, 2009): small convolutional networks on 32×32 colour images."""

from __future__ import annotations

import io
import pickle
import tarfile
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

SOURCE = Download(
    "cifar-10/cifar-10-python.tar.gz",
    "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
)
SIDE, CLASSES, VALIDATION = 32, 10, 5000
NORMALIZE = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)


class CIFAR10(Task):
    """Ten classes; 45 000 of the training images to train on and 5 000 to validate. The test images stay unseen.

    The config keys beside those of the recipe are those of `trainables.tasks.images.network`.
    """

    def data(self) -> Data:
        [content] = contents([SOURCE], self.data_dir)
        images, labels = read(content)
        train, validation, train_labels, validation_labels = train_test_split(
            images, labels, test_size=VALIDATION, stratify=labels, random_state=0
        )
        return Data((train, train_labels), (validation, validation_labels))

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return network(config, Normalize(*NORMALIZE), SIDE, CLASSES)


def read(archive: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Training images, of shape (n, 3, 32, 32), and their labels in the ``archive``, the published tar.gz."""
    images, labels = [], []
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for name in sorted(name for name in files.getnames() if "/data_batch_" in name):
            member = files.extractfile(name)
            batch = pickle.loads(member.read() if member else b"", encoding="bytes")
            images.append(batch[b"data"].reshape(-1, 3, SIDE, SIDE))
            labels.append(np.asarray(batch[b"labels"], dtype=np.int64))
    return np.concatenate(images), np.concatenate(labels)
