"""A task's own collate: items of different lengths, by name, nested; the default stacks what can be stacked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor, distributed, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence, pad_sequence
from torch.utils.data import Dataset

from trainables.adapters.library import LibraryTask
from trainables.data import Data
from trainables.datasets.nested import moved
from trainables.datasets.ragged import Ragged
from trainables.errors import TaskError
from trainables.loader import Collated, Loader
from trainables.loop.training import Training
from trainables.stages import Plan, Stage
from trainables.task import Task
from trainables.worker.loading import load_data
from trainables.worker.task_shard import TaskShard

CPU = torch.device("cpu")
PLAN = Plan((Stage(0.5, 1), Stage(1.0, 2)))
DRAWS = np.random.default_rng(0)
LENGTHS = DRAWS.integers(1, 9, 90)
TEXTS = [DRAWS.integers(1, 12, length) for length in LENGTHS]
LABELS = LENGTHS % 2


class Bag(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.scores = nn.Embedding(12, 6, padding_idx=0), nn.Linear(6, 2)

    def forward(self, texts: Tensor, lengths: Tensor) -> Tensor:
        return self.scores(self.words(texts).sum(dim=1) / lengths[:, None])


class Texts(Task):
    """Items of different lengths, padded for each batch."""

    def data(self) -> Data:
        return Data((TEXTS[:60], LABELS[:60]), (TEXTS[60:], LABELS[60:]))

    def collate(self, items: list[Any]) -> Any:
        texts, labels = zip(*items, strict=True)
        return pad_sequence(texts, batch_first=True), torch.tensor([len(text) for text in texts]), torch.stack(labels)

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return Bag()


class Padded(Texts):
    """The same, padded once."""

    def data(self) -> Data:
        table = pad_sequence([torch.from_numpy(text) for text in TEXTS], batch_first=True)
        arrays = table, torch.from_numpy(LENGTHS), torch.from_numpy(LABELS)
        return Data(tuple(part[:60] for part in arrays), tuple(part[60:] for part in arrays))

    collate = Task.collate


def trained(task: Task, data: Data | None = None, **config: Any) -> list[dict[str, float]]:
    training = Training(task, data or task.data(), {"batch_size": 16, "lr": 0.1, **config}, PLAN, 3)
    return [training.run_epoch() for _ in range(3)]


def close(one: list[dict[str, float]], other: list[dict[str, float]]) -> None:
    for a, b in zip(one, other, strict=True):
        assert {k: v for k, v in a.items() if k != "loader_wait"} == pytest.approx(
            {k: v for k, v in b.items() if k != "loader_wait"}, rel=1e-5
        )


@pytest.mark.parametrize("accumulate", [1, 4])
def test_items_of_different_lengths_train_as_if_they_had_been_padded_once(accumulate: int) -> None:
    close(trained(Texts(), accumulate=accumulate), trained(Padded(), accumulate=accumulate))


def test_each_micro_batch_is_collated_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Noted(Texts):
        def collate(self, items: list[Any]) -> Any:
            sizes.append(len(items))
            return super().collate(items)

    data = Data((TEXTS[:30], LENGTHS[:30] * 1.0), (TEXTS[60:], LABELS[60:]))
    monkeypatch.setattr(
        Noted, "loss", lambda *given: Task.loss(*given[:2], (*given[2][:2], given[2][2].long() % 2), {})
    )
    Training(Noted(), data, {"batch_size": 16, "accumulate": 4}, Plan((Stage(1.0, 1),)), 0).run_epoch()
    assert sizes == [4] * 4 + [4, 4, 3, 3] + [30]


def test_they_are_shared_like_arrays_and_taken_by_stage() -> None:
    data = Texts().data().packed()
    assert data.sharable
    assert isinstance(data.train, tuple)
    assert isinstance(data.train[0], Ragged)
    assert isinstance(data.train[0].flat, np.ndarray)
    some = data.train[0][np.array([7, 2])]
    assert [row.tolist() for row in some] == [TEXTS[7].tolist(), TEXTS[2].tolist()]
    close(trained(Texts(), data.unpacked()), trained(Padded()))


def test_items_of_different_lengths_without_a_collate_are_refused_before_training() -> None:
    class Forgetful(Padded):
        data = Texts.data

    with pytest.raises(TaskError, match=r"examples of Data.train/0 differ in length; pad them, or define collate"):
        load_data(Forgetful(), "texts:Forgetful")


def test_a_collate_may_write_into_its_items() -> None:
    class Writing(Texts):
        def collate(self, items: list[Any]) -> Any:
            batch = super().collate([(text.clone(), label) for text, label in items])
            for text, label in items:
                text.zero_()
                label.fill_(0)
            return batch

    data = Writing().data().unpacked()
    trained(Writing(), data)
    assert isinstance(data.train, tuple)
    assert [row.tolist() for row in data.train[0]] == [text.tolist() for text in TEXTS[:60]]
    assert data.train[1].tolist() == LABELS[:60].tolist()


def test_a_librarys_task_takes_them_as_a_dataset_alone() -> None:
    class Foreign(LibraryTask):
        data = Texts.data

        def run(self, *given: Any) -> Any:
            raise NotImplementedError

    with pytest.raises(TaskError, match=r"Data.train/0 differ in length; pad them, or give a dataset, whose items"):
        load_data(Foreign(), "texts:Foreign")


class Items(Dataset[Any]):
    """What ``make`` makes of a text and its label."""

    def __init__(self, rows: slice, make: Any) -> None:
        self._rows = list(zip(TEXTS[rows], LABELS[rows].tolist(), strict=True))
        self._make = make

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Any:
        return self._make(*self._rows[index])


class Named(NamedTuple):
    texts: Any
    lengths: Any
    label: Any


@dataclass
class Kept:
    """A batch of a class of the user's own."""

    texts: Tensor
    lengths: Tensor
    label: Tensor


def table(text: Any) -> Any:
    return np.pad(text, (0, 8 - len(text)))


class OfItems(Texts):
    """A dataset of items that ``make`` makes, as wide as the widest, stacked by default."""

    collate = Task.collate

    def __init__(self, make: Any) -> None:
        self.make = make

    def data(self) -> Data:
        parts = (Items(rows, self.make) for rows in (slice(60), slice(60, 90)))
        return Data(*parts, LABELS[:60], LABELS[60:])


@pytest.mark.parametrize(
    "make",
    [
        lambda text, label: {"texts": table(text), "lengths": len(text), "label": label},
        lambda text, label: {"texts": table(text).tolist(), "labels": label, "lengths": len(text)},
        lambda text, label: Named(torch.from_numpy(table(text)), len(text), label),
        lambda text, label: [table(text), len(text), np.bool_(label)],
        lambda text, label: (table(text), len(text), np.array([label], dtype=np.uint8)),
    ],
)
def test_the_default_takes_items_by_name_or_by_place(make: Any) -> None:
    close(trained(OfItems(make)), trained(Padded()))


def test_a_batch_is_whatever_the_loss_takes() -> None:
    class Own(OfItems):
        def collate(self, items: list[Any]) -> Any:
            texts, lengths, labels = Task.collate(self, items)
            return Kept(texts, lengths, labels)

        def loss(self, model: nn.Module, batch: Any, config: Any) -> Tensor:
            assert isinstance(batch, Kept)
            return super().loss(model, (batch.texts, batch.lengths, batch.label), config)

        def metrics(self, model: nn.Module, batch: Any, config: Any) -> Any:
            return super().metrics(model, (batch.texts, batch.lengths, batch.label), config)

    task = Own(lambda text, label: (table(text), len(text), label))
    for accumulate in (1, 4):
        close(trained(task, accumulate=accumulate), trained(Padded(), accumulate=accumulate))


def test_every_process_collates_its_own_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "all_reduce", lambda _: None)
    task, loss = Texts(), 0.0
    task.model({})
    torch.manual_seed(0)
    model = task.model({})
    [batch] = Loader(task.collate, task.stacks).batches(task.data().unpacked().train, np.arange(31), 31, CPU)
    assert isinstance(batch, tuple)
    for rank in range(2):
        shard = TaskShard(task, rank, 2, lambda module: module)
        loader = Loader(shard.collate, shard.stacks)
        [mine] = loader.batches(task.data().unpacked().train, np.arange(31), 31, CPU)
        assert isinstance(mine, Collated)
        assert mine.sizes == (31,)
        assert len(mine.parts[0].batch[0]) == (15, 16)[rank]
        loss += float(shard.loss(model, mine.parts[0], {}).detach())
    assert loss == pytest.approx(float(task.loss(model, batch, {}).detach()), rel=1e-5)


def test_a_batch_moves_with_all_that_is_in_it() -> None:
    meta = torch.device("meta")
    packed = pack_sequence([torch.ones(3), torch.ones(2)])
    batch = {"x": [torch.ones(2), (Named(torch.ones(1), "path", None), Kept(*torch.ones(3, 1)))], "packed": packed}
    got = moved(batch, meta)
    assert got["x"][0].is_meta
    assert (got["x"][1][0].texts.is_meta, got["x"][1][0].lengths) == (True, "path")
    assert got["x"][1][1].label.is_meta
    assert isinstance(got["packed"], PackedSequence)
    assert got["packed"].data.is_meta


@pytest.mark.parametrize(
    ("makes", "message"),
    [
        (lambda text, label: (text, label), r"items .* differ in shape: part 0 is \(\d,\) and \(\d,\); define collate"),
        (
            lambda text, label: {"x": 1, f"k{label}": 2},
            r"items of the dataset differ in their keys: an item has k\d, x",
        ),
        (lambda text, label: (1,) * (2 + label), "items of the dataset differ in their parts: an item has"),
        (
            lambda text, label: (1.0, label or "none"),
            "items of the dataset differ(: part 1 is a str in some| in their types)",
        ),
        (
            lambda text, label: {"texts": table(text), "score": 1},
            r"a batch is a dict of texts, score, .*; name its target",
        ),
        (
            lambda text, label: (table(text), 0.5),
            r"the targets are float64, where cross entropy takes classes; give int",
        ),
        (lambda text, label: (table(text),), r"a batch is a tuple of one, .*; give the target last"),
    ],
)
def test_what_cannot_be_stacked_or_told_is_refused(makes: Any, message: str) -> None:
    class One(OfItems):
        def model(self, config: Any) -> nn.Module:
            return nn.Sequential(nn.Embedding(12, 2), nn.Flatten(), nn.Linear(16, 2))

    with pytest.raises(TaskError, match=message):
        trained(One(makes))


def test_a_collate_that_raises_or_returns_nothing_is_told() -> None:
    class Empty(Texts):
        def collate(self, items: list[Any]) -> Any:
            return None

    with pytest.raises(TaskError, match=r"collate\(\) returned None; return the batch"):
        trained(Empty())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"collate_fn": print}, r"loader_options has collate_fn, which Sieve sets; define collate\(self, items\)"),
        ({"shuffle": True}, "loader_options has shuffle, which Sieve sets; training is always shuffled"),
        ({"num_worker": 1}, r"has num_worker \(did you mean 'num_workers'\?\), which is no argument of torch's"),
        ({"prefetch_factor": 2}, r"DataLoader refuses loader_options \{'prefetch_factor': 2\}: prefetch_factor"),
    ],
)
def test_arguments_of_the_loader_are_the_tasks_or_named(options: Any, message: str) -> None:
    class Optional(Texts):
        loader_options = options

    with pytest.raises(TaskError, match=message):
        trained(Optional())


def test_a_loader_with_a_process_of_its_own_trains_the_same() -> None:
    class Read(Texts):
        loader_options: Mapping[str, Any] = {"num_workers": 1, "prefetch_factor": 4}

    close(trained(Read()), trained(Padded()))
