"""`LightningTask`: a ``LightningModule`` trained by Lightning's ``Trainer``, epoch by epoch (extra ``lightning``)."""

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
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, SequentialSampler

from trainables.adapters.library import Epoch, LibraryRun, LibraryTask, Span, Trained, check_keywords
from trainables.adapters.rows import Rows
from trainables.data import Data
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
"""Keywords of ``Trainer`` that turn off Lightning's own logs, checkpoints and progress bars: the ledger has them."""

_OWNED = (
    "accelerator devices num_nodes strategy max_epochs max_steps min_epochs min_steps max_time fast_dev_run "
    "overfit_batches limit_train_batches limit_val_batches check_val_every_n_epoch val_check_interval "
    "reload_dataloaders_every_n_epochs default_root_dir plugins"
)
OWNED = frozenset(_OWNED.split()).union(QUIET)
"""Keywords of ``Trainer`` that a task may not give: Sieve sets them, or they would change the epochs of a stage."""

KEYWORDS = frozenset(inspect.signature(Trainer.__init__).parameters) - {"self"}
CHECK_EVERY = 16


class LightningTask(LibraryTask):
    """A task whose model is a ``LightningModule`` and whose training loop is Lightning's ``Trainer``.

    Subclass it with a constructor that takes no arguments, and name the class ``module:Class`` in the spec. `data` (see
    `trainables.data.Data`) and `module` are required.

    Each epoch is a ``fit`` of its own that goes on from Lightning's checkpoint of the epoch before (weights,
    optimizers, schedules, callbacks, loops); hooks such as ``on_fit_start`` run in each. Reported is what the module
    logs, and ``train_loss``, the mean of the losses that its training steps return, unless it logs that itself.
    ``self.trainer.max_epochs`` and ``estimated_stepping_batches`` are those of all stages from one fresh start to the
    next, so that a schedule made of them spans the stages.

    >>> import lightning
    >>> import torch
    >>> from trainables.data import Data
    >>> from trainables.lightning import LightningTask
    >>> from trainables.stages import Plan, Stage
    >>> class Net(lightning.LightningModule):
    ...     def __init__(self, config):
    ...         super().__init__()
    ...         self.lr, self.net = config["lr"], torch.nn.Linear(2, 2)
    ...
    ...     def training_step(self, batch, number):
    ...         return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
    ...
    ...     def validation_step(self, batch, number):
    ...         self.log("val_accuracy", (self.net(batch[0]).argmax(dim=1) == batch[1]).float().mean())
    ...
    ...     def configure_optimizers(self):
    ...         return torch.optim.AdamW(self.parameters(), lr=self.lr)
    >>> class Signs(LightningTask):
    ...     def data(self):
    ...         x = torch.randn(300, 2, generator=torch.Generator().manual_seed(0))
    ...         y = (x.sum(dim=1) > 0).long()
    ...         return Data((x[:200], y[:200]), (x[200:], y[200:]))
    ...
    ...     def module(self, config):
    ...         return Net(config)
    >>> task = Signs()
    >>> trial = task.run(task.data(), {"lr": 0.01, "batch_size": 32}, Plan((Stage(1.0, 1),)), seed=0)  # Sieve does this
    >>> sorted(trial.run_epoch())
    ['train_loss', 'val_accuracy']
    """

    @abstractmethod
    def module(self, config: Mapping[str, Any]) -> LightningModule:
        """A new, untrained module for ``config`` (nested); torch, numpy and ``random`` are seeded before the call.

        What is no ``lightning.pytorch.LightningModule`` raises a `TaskError`.
        """

    def loader(self, examples: Dataset[Any], config: Mapping[str, Any], training: bool) -> DataLoader[Any]:
        """The ``DataLoader`` of ``examples``: batches of ``config["batch_size"]`` (128), shuffled when ``training``.

        ``examples`` are those of the stage, or of validation. Arrays are indexed a batch at a time, datasets an example
        at a time, in this process. A last training batch of one example is left out, as batch norm cannot train on it.
        Override it for ``num_workers`` or a ``collate_fn``.
        """
        size, count = int(config.get("batch_size", 128)), len(examples)  # type: ignore[arg-type]
        drop_last = training and count > size and count % size == 1
        if not isinstance(examples, Rows):
            return DataLoader(examples, batch_size=size, shuffle=training, drop_last=drop_last)
        order = RandomSampler(examples) if training else SequentialSampler(examples)
        return DataLoader(examples, sampler=BatchSampler(order, size, drop_last), batch_size=None)

    def trainer(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keywords of Lightning's ``Trainer``; by default the config keys of such names, e.g. ``gradient_clip_val``.

        Called for each epoch, with new callbacks, which are given their ``state_dict`` of the epoch before, unless one
        of them has ended the stage. A keyword in `OWNED`, or one that ``Trainer`` lacks, raises a `TaskError`.
        """
        return {name: value for name, value in config.items() if name in KEYWORDS - OWNED}

    def run(self, data: Data, config: Mapping[str, Any], plan: Plan, seed: int, data_seed: int = 0) -> LightningRun:
        """The run of one trial of ``config`` over the stages of ``plan``."""
        return LightningRun(self, data, config, plan, seed, data_seed)


def data_of(module: LightningDataModule, labels: NDArray[Any] | Tensor | None = None) -> Data:
    """A ``LightningDataModule`` as `Data`: the datasets of its training and validation loaders.

    Of the loaders only the datasets are used: subsets and order are Sieve's, batches `LightningTask.loader`'s.
    ``labels`` of shape (training examples,) gives the class of each as integers, to stratify the subsets; the default
    None draws them at random. Calls ``prepare_data`` and ``setup("fit")`` first.

    >>> import lightning
    >>> import torch
    >>> from torch.utils.data import DataLoader, TensorDataset
    >>> from trainables.lightning import data_of
    >>> class Rows(lightning.LightningDataModule):
    ...     def train_dataloader(self):
    ...         return DataLoader(TensorDataset(torch.zeros(20, 2), torch.arange(20) % 2))
    ...
    ...     def val_dataloader(self):
    ...         return DataLoader(TensorDataset(torch.zeros(6, 2), torch.arange(6) % 2))
    >>> data = data_of(Rows(), labels=torch.arange(20) % 2)
    >>> len(data.train), len(data.validation), len(data.labels)
    (20, 6, 20)

    Raises:
        TaskError: a ``…_dataloader()`` returns anything but one ``DataLoader``.
    """
    module.prepare_data()
    module.setup("fit")
    loaders = {"train": module.train_dataloader(), "val": module.val_dataloader()}
    for name, loader in loaders.items():
        if not isinstance(loader, DataLoader):
            raise TaskError(f"{name}_dataloader() returned a {type(loader).__name__}", "return one DataLoader")
    return Data(loaders["train"].dataset, loaders["val"].dataset, labels=labels)


class LightningRun(LibraryRun):
    """The run of one trial of a `LightningTask`; see `LibraryRun`."""

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
    """``Trainer`` of one epoch whose ``max_epochs`` and ``estimated_stepping_batches`` are those of the climb."""

    def __init__(self, climb: Span, **keywords: Any) -> None:
        device = "gpu" if torch.cuda.is_available() else "cpu"
        super().__init__(accelerator=device, devices=1, max_epochs=climb.epochs, **keywords)
        self._climb_steps = climb.steps

    @property
    def estimated_stepping_batches(self) -> int:
        return self._climb_steps


class _Memory(CheckpointIO):
    """``CheckpointIO`` in memory: the trial's own checkpoint file holds it."""

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
    """Callback: ends the fit after an epoch, averages the training loss, steps schedules past skipped stages."""

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
        # A NaN or infinity stays in the sum, so that it is read now and then only: reading waits for the GPU.
        if (self._count % CHECK_EVERY == 0 or trainer.is_last_batch) and not math.isfinite(float(self._total)):
            raise Diverged(
                f"the training loss became {float(loss):g} by batch {batch_idx + 1} of epoch "
                f"{trainer.current_epoch + 1}",
                "lower lr, warm up or set gradient_clip_val",
            )

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        # Not by should_stop: callbacks set that to end the stage, some of them only after this.
        trainer.fit_loop.max_epochs = trainer.current_epoch + 1


@contextmanager
def _quiet() -> Iterator[None]:
    # Lightning's advice (workers, devices) would come again with each epoch.
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
