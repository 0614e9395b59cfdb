"""The feed: loader workers, what they draw, and the time spent waiting for them."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from trainables.data import Data
from trainables.loader import Loader
from trainables.loop.feed import Feed, loader_workers

CPU = torch.device("cpu")
ORDER = np.array([5, 1, 7, 0, 2])


class Noisy(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Draws from all three global generators, as augmentation does, and takes its time."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        time.sleep(self.seconds)
        return torch.rand(2) + float(np.random.rand()), torch.tensor(int(index))


def draws(workers: int, seed: int) -> torch.Tensor:
    feed = Feed(Data(Noisy(), Noisy()), CPU, loader=Loader(workers=workers))
    batches = list(feed.training(ORDER, 2, seed))
    assert torch.equal(torch.cat([batch[1] for batch in batches]), torch.from_numpy(ORDER))
    return torch.cat([batch[0] for batch in batches])


def test_what_workers_draw_is_a_function_of_the_seed():
    assert torch.equal(draws(2, 3), draws(2, 3))
    assert not torch.equal(draws(2, 3), draws(2, 4))


def test_a_loader_leaves_the_global_generator_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    feed = Feed(Data(Noisy(), Noisy()), CPU, loader=Loader(workers=1))
    list(feed.training(ORDER, 2, 3))
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("threads", "workers"), [(1, 0), (3, 2), (64, 8)])
def test_workers_are_one_less_than_the_cpus_of_a_trial_that_trains_on_a_gpu(monkeypatch, threads, workers):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    assert loader_workers(torch.device("cuda")) == workers
    assert Feed(Data(Noisy(), Noisy()), CPU).loader.workers == 0


def test_the_wait_is_measured_for_datasets():
    feed = Feed(Data(Noisy(0.01), Noisy()), CPU, loader=Loader())
    assert feed.times
    list(feed.training(ORDER, 2, 0))
    assert feed.waited >= 5 * 0.01
    arrays = (np.zeros((8, 2), np.float32), np.arange(8))
    assert not Feed(Data(arrays, arrays), CPU).times


def test_images_are_handed_out_channels_last():
    images = (torch.rand(8, 3, 4, 4), torch.arange(8))
    for channels_last in (True, False):
        [batch] = Feed(Data(images, images), CPU, channels_last).training(np.arange(8), 8, 0)
        assert batch[0].is_contiguous(memory_format=torch.channels_last) is channels_last
        assert torch.equal(batch[0], images[0])
