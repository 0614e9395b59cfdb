"""Lightning modules as tasks: Lightning owns the loop of an epoch, Sieve the stages. Needs the extra ``lightning``."""

from __future__ import annotations

import inspect
import logging
import math
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.plugins import CheckpointIO
from lightning.pytorch.plugins.environments import LightningEnvironment
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from lightning.pytorch.utilities.warnings import PossibleUserWarning
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from trainables.adapters.library import Epoch, LibraryRun, LibraryTask, Span, Trained, check_keywords
from trainables.adapters.rows import Rows
from trainables.data import Array, Data
from trainables.errors import Diverged, TaskError
from trainables.loop.seeding import seed_all
from trainables.stages import Plan

QUIET: Mapping[str, Any] = {
    "logger": False,
    "enable_checkpointing": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
"""What Lightning would write or show of its own; the ledger has it."""

_OWNED = (
    "accelerator devices num_nodes strategy max_epochs max_steps min_epochs min_steps max_time fast_dev_run "
    "overfit_batches limit_train_batches limit_val_batches check_val_every_n_epoch val_check_interval "
    "reload_dataloaders_every_n_epochs default_root_dir plugins"
)
OWNED = frozenset(_OWNED.split()).union(QUIET)
"""Keywords of `Trainer` that Sieve sets, or that would change what a stage is."""

KEYWORDS = frozenset(inspect.signature(Trainer.__init__).parameters) - {"self"}
CHECK_EVERY = 16


class LightningTask(LibraryTask):
    """Subclass it, with a constructor that takes no arguments, and name it ``module:Class`` in the spec.

    ``data`` and ``module`` are required. Each epoch is a ``fit`` of its own that goes on from Lightning's checkpoint of
    the one before (weights, optimizers, schedules, callbacks, loops); hooks such as ``on_fit_start`` run in each.
    What the module logs is reported, and ``train_loss``, the mean of the losses that the training steps return, if any,
    unless it logs that itself.
    ``self.trainer.max_epochs`` and ``estimated_stepping_batches`` are those of all stages from one fresh start to the
    next, so that a schedule made of them spans the stages.
    """

    @abstractmethod
    def module(self, config: Mapping[str, Any]) -> LightningModule:
        """A new module for ``config``; its random initialization is seeded by the caller."""

    def loader(self, examples: Dataset[Any], config: Mapping[str, Any], training: bool) -> DataLoader[Any]:
        """Batches of ``config["batch_size"]`` (default 128), in a new order each epoch when ``training``.

        Arrays are indexed a batch at a time, datasets an example at a time, in this process. A last training batch of
        one example is left out, as batch norm cannot train on it. Override it for workers or a ``collate_fn``.
        """
        size, count = int(config.get("batch_size", 128)), len(examples)  # type: ignore[arg-type]
        drop_last = training and count > size and count % size == 1
        if not isinstance(examples, Rows):
            return DataLoader(examples, batch_size=size, shuffle=training, drop_last=drop_last)
        order = RandomSampler(examples) if training else SequentialSampler(examples)
        return DataLoader(examples, sampler=BatchSampler(order, size, drop_last), batch_size=None)

    def trainer(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """More keywords of Lightning's ``Trainer``; by default the config keys so named, e.g. gradient_clip_val.

        Callbacks are made anew for each epoch, and go on with what they give as their ``state_dict``, unless one of
        them has ended the stage.
        """
        return {name: value for name, value in config.items() if name in KEYWORDS - OWNED}

    def run(self, data: Data, config: Mapping[str, Any], plan: Plan, seed: int, data_seed: int = 0) -> LightningRun:
        """What climbs the stages of ``plan`` with this task."""
        return LightningRun(self, data, config, plan, seed, data_seed)


def data_of(module: LightningDataModule, labels: Array | None = None) -> Data:
    """The datasets of a data module's training and validation loaders, with the class of each training example.

    Of the loaders only the datasets are used: subsets and order are Sieve's, batches `LightningTask.loader`'s.
    """
    module.prepare_data()
    module.setup("fit")
    loaders = {"train": module.train_dataloader(), "val": module.val_dataloader()}
    for name, loader in loaders.items():
        if not isinstance(loader, DataLoader):
            raise TaskError(f"{name}_dataloader() returned a {type(loader).__name__}", "return one DataLoader")
    return Data(loaders["train"].dataset, loaders["val"].dataset, labels=labels)


class LightningRun(LibraryRun):
    """Climbs the stages with a `LightningTask`; see `LibraryRun`."""

    task: LightningTask

    def make(self) -> LightningModule:
        module = self.task.module(self.config)
        if not isinstance(module, LightningModule):
            raise TaskError(
                f"module(config) returned a {type(module).__module__}.{type(module).__name__}",
                "return a lightning.pytorch.LightningModule",
            )
        return module

    def steps(self, examples: Dataset[Any]) -> int:
        batches = len(self.task.loader(examples, self.config, training=True))
        return math.ceil(batches / self._keywords().get("accumulate_grad_batches", 1))

    def train(self, epoch: Epoch) -> Trained:
        keywords = dict(self._keywords())
        callbacks = keywords.pop("callbacks", None) or []
        memory, watch = _Memory(self.checkpoint), _Watch(epoch.skipped)
        keywords["callbacks"] = [watch, *(callbacks if isinstance(callbacks, list) else [callbacks])]
        seed_all(epoch.seed, 0)
        loaders = (
            self.task.loader(epoch.train, self.config, training=True),
            self.task.loader(epoch.validation, self.config, training=False),
        )
        with _quiet():
            try:
                trainer = _ClimbTrainer(self.climb, **QUIET, **keywords, plugins=[memory, LightningEnvironment()])
                trainer.fit(self.model, *loaders, ckpt_path=self.checkpoint and memory.PATH)
            except MisconfigurationException as error:
                raise TaskError(f"Lightning refuses the task: {error}", "correct it") from error
            trainer.save_checkpoint(memory.PATH)
        metrics = watch.metrics() | {name: float(value) for name, value in trainer.callback_metrics.items()}
        return Trained(metrics, memory.checkpoint, trainer.global_step - watch.began, trainer.should_stop)

    def forget(self) -> None:
        self.checkpoint = {**self.checkpoint, "callbacks": {}}

    def _keywords(self) -> Mapping[str, Any]:
        keywords = self.task.trainer(self.config)
        check_keywords(keywords, KEYWORDS, OWNED, "trainer(config)")
        return keywords


class _ClimbTrainer(Trainer):
    """A trainer that knows the steps of the whole climb, of which it trains one epoch at a time."""

    def __init__(self, climb: Span, **keywords: Any) -> None:
        device = "gpu" if torch.cuda.is_available() else "cpu"
        super().__init__(accelerator=device, devices=1, max_epochs=climb.epochs, **keywords)
        self._climb_steps = climb.steps

    @property
    def estimated_stepping_batches(self) -> int:
        return self._climb_steps


class _Memory(CheckpointIO):
    """Keeps the checkpoint in memory, as it is written with the trial's own."""

    PATH = "memory"

    def __init__(self, checkpoint: Any) -> None:
        self.checkpoint = checkpoint

    def save_checkpoint(self, checkpoint: Any, path: Any, storage_options: Any = None) -> None:
        self.checkpoint = checkpoint

    def load_checkpoint(self, path: Any, *_others: Any, **_more: Any) -> Any:
        return dict(self.checkpoint)

    def remove_checkpoint(self, path: Any) -> None:
        self.checkpoint = None


class _Watch(Callback):
    """Ends the fit after an epoch, sums the training loss, and moves schedules past what is skipped."""

    def __init__(self, skipped: Span) -> None:
        self.began = 0
        self._skipped = skipped
        self._total: Tensor | float = 0.0
        self._count = 0

    def metrics(self) -> dict[str, float]:
        return {"train_loss": float(self._total) / self._count} if self._count else {}

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        self.began = trainer.global_step
        for each in trainer.lr_scheduler_configs:
            if not each.reduce_on_plateau:
                passed = self._skipped.steps if each.interval == "step" else self._skipped.epochs
                for _ in range(passed // each.frequency):
                    each.scheduler.step()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is None:
            return
        # Lightning divides the loss by the batches that it accumulates.
        self._total, self._count = self._total + loss.detach() * trainer.accumulate_grad_batches, self._count + 1
        # A NaN or infinity stays in the sum; asking for it at every step would stall a GPU.
        if (self._count % CHECK_EVERY == 0 or trainer.is_last_batch) and not math.isfinite(float(self._total)):
            raise Diverged(
                f"the training loss became {float(loss):g} by batch {batch_idx + 1} of epoch "
                f"{trainer.current_epoch + 1}",
                "lower lr, warm up or set gradient_clip_val",
            )

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        # Not by should_stop, which is how callbacks ask, some of them only after this.
        trainer.fit_loop.max_epochs = trainer.current_epoch + 1


@contextmanager
def _quiet() -> Iterator[None]:
    # Lightning's advice (workers, devices) is for people at a terminal, and would come anew with each epoch.
    log = logging.getLogger("lightning.pytorch")
    level = log.level
    log.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=PossibleUserWarning)
        # Lightning calls what newer versions of torch have renamed.
        warnings.filterwarnings("ignore", message=".*LeafSpec", category=FutureWarning)
        try:
            yield
        finally:
            log.setLevel(level)
