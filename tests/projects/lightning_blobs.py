"""A Lightning task with dropout, batch norm and a cosine over all steps, so that every kind of state matters."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningDataModule, LightningModule
from lightning.pytorch.callbacks import EarlyStopping
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from trainables.data import Data
from trainables.lightning import LightningTask, data_of

RATES: list[float] = []
"""The learning rate of every step that this process has taken."""

CONFIG = {"lr": 0.05, "batch_size": 8}


class Net(LightningModule):
    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config
        self.net = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2))

    def training_step(self, batch: Any, _number: int) -> Any:
        inputs, target = batch
        RATES.append(self.trainer.optimizers[0].param_groups[0]["lr"])
        loss = nn.functional.cross_entropy(self.net(inputs), target)
        return loss * float("nan") if self.trainer.global_step == self.config.get("poison") else loss

    def validation_step(self, batch: Any, _number: int) -> None:
        inputs, target = batch
        scores = self.net(inputs)
        self.log("val_loss", nn.functional.cross_entropy(scores, target))
        self.log("val_accuracy", (scores.argmax(1) == target).float().mean())

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.config["lr"])
        by_step = self.config.get("interval", "step") == "step"
        length = self.trainer.estimated_stepping_batches if by_step else self.trainer.max_epochs
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, length)
        return [optimizer], [{"scheduler": schedule, "interval": "step" if by_step else "epoch"}]


class Blobs(LightningTask):
    """Two clouds of points."""

    def data(self) -> Data:
        draws = torch.Generator().manual_seed(0)
        labels = torch.arange(90) % 2
        points = torch.randn(90, 3, generator=draws) + labels[:, None] * 2.0
        return Data((points[:60], labels[:60]), (points[60:], labels[60:]))

    def module(self, config: Any) -> LightningModule:
        return Net(config)


class Patient(Blobs):
    """Asks to stop as soon as one epoch is no better than the best by a lot."""

    def trainer(self, config: Any) -> Any:
        return {"callbacks": EarlyStopping("val_accuracy", min_delta=0.9, patience=1, mode="max")}


class Break(Callback):
    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        trainer.should_stop = batch_idx == 1


class Hasty(Blobs):
    """Asks to stop after two steps of an epoch."""

    def trainer(self, config: Any) -> Any:
        return {"callbacks": Break()}


class ManualNet(Net):
    automatic_optimization = False

    def training_step(self, batch: Any, number: int) -> None:
        loss = super().training_step(batch, number)
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()


class Manual(Blobs):
    """Takes its own steps, and returns no loss."""

    def module(self, config: Any) -> LightningModule:
        return ManualNet(config)


class NotAModule(Blobs):
    def module(self, config: Any) -> Any:
        return nn.Linear(3, 2)


class Bare(LightningModule):
    def training_step(self, batch: Any, _number: int) -> Any:
        return batch[0].sum()


class Unconfigured(Blobs):
    def module(self, config: Any) -> LightningModule:
        return Bare()


class Module(LightningDataModule):
    def setup(self, stage: str) -> None:
        data = Blobs().data()
        self.train, self.validation = TensorDataset(*data.train), TensorDataset(*data.validation)  # type: ignore[misc]

    def train_dataloader(self) -> Any:
        return DataLoader(self.train)

    def val_dataloader(self) -> Any:
        return DataLoader(self.validation)


class OfModule(Blobs):
    """The same examples as datasets, from a data module."""

    def data(self) -> Data:
        labels = Blobs().data().labels
        return data_of(Module(), labels)


class TwoLoaders(Blobs):
    def data(self) -> Data:
        module = Module()
        module.val_dataloader = lambda: [DataLoader([1]), DataLoader([2])]  # type: ignore[method-assign]
        return data_of(module)
