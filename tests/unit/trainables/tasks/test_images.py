"""Image tasks: their files are read as published, and each network takes the images of both sizes."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.errors import TaskError
from trainables.tasks import cifar10
from trainables.tasks.cifar10 import CIFAR10
from trainables.tasks.fashion_mnist import FashionMNIST, idx
from trainables.tasks.images import MODELS, Normalize, Residual, network


@pytest.mark.parametrize("task", [FashionMNIST(), CIFAR10()])
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("depth", [1, 3])
def test_every_network_scores_a_batch_of_pixels(task: FashionMNIST | CIFAR10, model: str, depth: int) -> None:
    shape = (4, 1, 28, 28) if isinstance(task, FashionMNIST) else (4, 3, 32, 32)
    built = task.model({"model": model, "depth": depth, "width": 4, "blocks": 1, "dropout": 0.5})
    scores = built(torch.randint(256, shape, dtype=torch.uint8))
    assert scores.shape == (4, 10)
    scores.sum().backward()  # type: ignore[no-untyped-call]
    assert [name for name, parameter in built.named_parameters() if parameter.grad is None] == []


def test_wrong_keys_are_refused_with_the_cure() -> None:
    with pytest.raises(TaskError, match=r"model is 'resnett' \(did you mean 'resnet'\?\); allowed: cnn, vgg, resnet"):
        FashionMNIST().model({"model": "resnett"})
    with pytest.raises(TaskError, match="depth is 5, but 28 pixels can be halved 4 times"):
        FashionMNIST().model({"depth": 5})


def test_pixels_are_normalized() -> None:
    pixels = torch.tensor([0, 255], dtype=torch.uint8).view(1, 1, 1, 2)
    assert torch.allclose(Normalize((0.5,), (0.25,))(pixels).flatten(), torch.tensor([-2.0, 2.0]))


def test_a_residual_block_begins_as_its_shortcut() -> None:
    block, states = Residual(3, 3, 1).eval(), torch.rand(2, 3, 4, 4)
    assert torch.equal(block(states), states)


def test_the_same_seed_gives_the_same_network() -> None:
    built = []
    for _ in range(2):
        torch.manual_seed(3)
        built.append(network({"model": "resnet"}, Normalize((0.5,), (0.25,)), 28, 10).state_dict())
    assert all(torch.equal(first, second) for first, second in zip(*(b.values() for b in built), strict=True))


def test_idx_files_are_read() -> None:
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 1, 3))
    assert idx(header + bytes(range(6))).tolist() == [[[0, 1, 2]], [[3, 4, 5]]]


def test_cifar_archives_are_read_in_the_order_of_their_batches() -> None:
    """The published archive: pickled dicts of bytes keys, rows of 3 072 bytes, the channels one after another."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, value in (("data_batch_2", 2), ("data_batch_1", 1), ("test_batch", 9), ("batches.meta", 0)):
            rows = np.repeat(np.arange(3, dtype=np.uint8) * 10 + value, 1024)[None].repeat(2, axis=0)
            content = pickle.dumps({b"data": rows, b"labels": [value, 7]}, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    images, labels = cifar10.read(buffer.getvalue())
    assert images.shape == (4, 3, 32, 32)
    assert labels.tolist() == [1, 7, 2, 7]
    assert images[0, :, 5, 6].tolist() == [1, 11, 21]
    assert images[2, :, 0, 0].tolist() == [2, 12, 22]


def test_fashion_mnist_is_split_into_equal_classes(data_dir: Path) -> None:
    task = FashionMNIST()
    task.data_dir = data_dir
    data = task.data()
    assert [array.shape for array in (*data.train, *data.validation)] == [
        (55000, 1, 28, 28),
        (55000,),
        (5000, 1, 28, 28),
        (5000,),
    ]
    assert np.bincount(data.validation[1]).tolist() == [500] * 10
    pixels = np.asarray(data.train[0]) / 255
    assert (pixels.mean(), pixels.std()) == pytest.approx((0.2860, 0.3530), abs=1e-3)
