"""`TransformersTask`: a model trained by Hugging Face's ``transformers.Trainer``, epoch by epoch (extra ``hf``)."""

from __future__ import annotations

import dataclasses
import gc
import inspect
import json
import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import accelerate  # noqa: F401 - Trainer cannot do without, and would say so only in the middle of a trial
import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import Dataset
from transformers import EvalPrediction, PrinterCallback, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer import TRAINER_STATE_NAME
from transformers.utils import WEIGHTS_NAME, logging

from trainables.adapters.library import Epoch, LibraryRun, LibraryTask, Trained, check_keywords
from trainables.data import Data
from trainables.errors import TaskError
from trainables.stages import Plan

QUIET: Mapping[str, Any] = {
    "eval_strategy": "epoch",
    "save_strategy": "epoch",
    "logging_strategy": "epoch",
    "logging_nan_inf_filter": False,
    "report_to": "none",
    "disable_tqdm": True,
    "load_best_model_at_end": False,
    "restore_callback_states_from_checkpoint": True,
    "ignore_data_skip": True,
}
"""Fields of ``TrainingArguments`` for one checkpoint and one evaluation per epoch, no output, and NaN losses shown."""

_OWNED = (
    "output_dir num_train_epochs max_steps eval_steps eval_delay eval_on_start save_steps save_total_limit "
    "save_only_model logging_steps seed data_seed push_to_hub resume_from_checkpoint use_cpu auto_find_batch_size"
)
OWNED = frozenset(_OWNED.split()).union(QUIET)
"""Fields of ``TrainingArguments`` that a task may not give: Sieve sets them, or they would change a stage's epochs."""

FIELDS = frozenset(field.name for field in dataclasses.fields(TrainingArguments) if field.init)
KEYWORDS = frozenset(inspect.signature(Trainer.__init__).parameters) - {"self"}
HANDED = frozenset({"model", "model_init", "args", "train_dataset", "eval_dataset", "compute_metrics", "optimizers"})
"""Keywords of ``Trainer`` that a task may not give: its other methods and the stages set them."""

TIMINGS = ("_runtime", "_per_second", "_compilation_time", "_preparation_time")
"""Endings of names that ``Trainer`` evaluates and that are times, not metrics."""


class TransformersTask(LibraryTask):
    """A task whose model is one of ``transformers`` and whose training loop is its ``Trainer``.

    Subclass it with a constructor that takes no arguments, and name the class ``module:Class`` in the spec. `data` (see
    `trainables.data.Data`) and `model` are required. Arrays of the data get the names in ``columns``, which are
    arguments of the model's ``forward``; items of a dataset must be mappings.

    Each epoch is a ``train`` of its own that goes on from the ``Trainer``'s checkpoint of the epoch before (weights,
    optimizer, schedule, callbacks, state). Reported are ``train_loss``, the mean over the epoch, and what the
    ``Trainer`` evaluates, ``val_loss`` for its ``eval_loss`` and so on. Schedules span all the stages from one fresh
    start to the next.

    >>> import torch
    >>> from transformers import BertConfig, BertForSequenceClassification
    >>> from trainables.data import Data
    >>> from trainables.huggingface import TransformersTask
    >>> from trainables.stages import Plan, Stage
    >>> class Parity(TransformersTask):
    ...     columns = ("input_ids", "labels")
    ...
    ...     def data(self):
    ...         tokens = torch.randint(0, 9, (96, 4), generator=torch.Generator().manual_seed(0))
    ...         parity = tokens[:, 0] % 2
    ...         return Data((tokens[:64], parity[:64]), (tokens[64:], parity[64:]))
    ...
    ...     def model(self, config):
    ...         sizes = {"hidden_size": config["hidden"], "intermediate_size": 16, "vocab_size": 9}
    ...         layers = {"num_hidden_layers": 1, "num_attention_heads": 2}
    ...         return BertForSequenceClassification(BertConfig(**sizes, **layers))
    >>> task = Parity()
    >>> config = {"hidden": 8, "learning_rate": 0.01, "per_device_train_batch_size": 16}
    >>> trial = task.run(task.data(), config, Plan((Stage(1.0, 1),)), seed=0)  # Sieve does this
    >>> sorted(trial.run_epoch())
    ['train_loss', 'val_accuracy', 'val_loss']
    """

    columns = ("input_ids", "labels")
    """The names of the arrays in `data`, in their order; not used for a dataset."""

    @abstractmethod
    def model(self, config: Mapping[str, Any]) -> nn.Module:
        """A new model for ``config`` (nested); torch, numpy and ``random`` are seeded before the call.

        Its ``forward`` returns the loss where labels are given, as all models of ``transformers`` with a head do. What
        is no ``nn.Module`` raises a `TaskError`.
        """

    def arguments(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keywords of ``TrainingArguments``; by default the config keys of such names, e.g. ``learning_rate``.

        The evaluation batch is 64 unless given. A keyword in `OWNED`, or one that ``TrainingArguments`` lacks or
        refuses, raises a `TaskError`.
        """
        return {name: value for name, value in config.items() if name in FIELDS - OWNED}

    def trainer(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Keywords of ``Trainer``, e.g. ``data_collator``, ``processing_class``, ``callbacks``; by default none.

        Called for each epoch, with new callbacks; an ``ExportableState`` is given its state of the epoch before, unless
        a callback has ended the stage. A keyword in `HANDED`, or one that ``Trainer`` lacks, raises a `TaskError`.
        """
        return {}

    def compute_metrics(self, prediction: EvalPrediction) -> dict[str, float]:
        """Metrics over the whole validation data by name, reported as ``val_<name>``.

        ``prediction.predictions`` and ``prediction.label_ids`` are numpy arrays. The default is ``accuracy`` (a
        fraction) of scores of shape (examples, classes) and labels of shape (examples,).
        """
        scores, labels = prediction.predictions, prediction.label_ids
        scores = scores[0] if isinstance(scores, tuple) else scores
        return {"accuracy": float(np.mean(scores.argmax(axis=-1) == labels))}

    def run(self, data: Data, config: Mapping[str, Any], plan: Plan, seed: int, data_seed: int = 0) -> TransformersRun:
        """The run of one trial of ``config`` over the stages of ``plan``."""
        _spare_what_is_loaded()
        return TransformersRun(self, data, config, plan, seed, data_seed)


class TransformersRun(LibraryRun):
    """The run of one trial of a `TransformersTask`; see `LibraryRun`. The checkpoint is the ``Trainer``'s files."""

    task: TransformersTask

    def make(self) -> nn.Module:
        model = self.task.model(self.config)
        if not isinstance(model, nn.Module):
            raise TaskError(f"model(config) returned a {type(model).__name__}", "return a transformers model")
        return model

    def steps(self, examples: Dataset[Any]) -> int:
        arguments = self._arguments(Path(), 0, 1)
        count, size = len(examples), arguments.train_batch_size  # type: ignore[arg-type]
        batches = count // size if arguments.dataloader_drop_last else math.ceil(count / size)
        return max(1, math.ceil(batches / arguments.gradient_accumulation_steps))

    def train(self, epoch: Epoch) -> Trained:
        with TemporaryDirectory(prefix="sieve-trainer-", ignore_cleanup_errors=True) as name, _no_progress_bars():
            folder = Path(name)
            watch = _Watch(epoch.skipped.steps)
            keywords = dict(self.task.trainer(self.config))
            check_keywords(keywords, KEYWORDS, HANDED, "trainer(config)")
            # The seed of the epoch also decides the order of the examples.
            trainer = _EpochTrainer(
                model=self.model,
                args=self._arguments(folder, epoch.seed % 2**32, self.climb.steps),
                train_dataset=epoch.train,
                eval_dataset=epoch.validation,
                compute_metrics=self.task.compute_metrics,
                callbacks=[*keywords.pop("callbacks", ()), watch],
                **keywords,
            )
            trainer.remove_callback(PrinterCallback)
            trained = trainer.train(resume_from_checkpoint=_unpack(self.checkpoint, folder))
            # Mixed precision wraps forward, anew each time.
            trainer.accelerator.unwrap_model(trainer.model, keep_fp32_wrapper=False)
            checkpoint = _pack(folder / f"checkpoint-{trainer.state.global_step}")
        steps = trainer.state.global_step - watch.began
        return Trained({"train_loss": trained.training_loss, **watch.metrics}, checkpoint, steps, watch.stop)

    def forget(self) -> None:
        state = json.loads(self.checkpoint[TRAINER_STATE_NAME])
        # The best value is what EarlyStoppingCallback compares with.
        state |= {"best_metric": None, "best_global_step": None, "best_model_checkpoint": None}
        for kept in state["stateful_callbacks"].values():
            for callback in kept if isinstance(kept, list) else [kept]:
                callback["attributes"] = {}
        self.checkpoint = {**self.checkpoint, TRAINER_STATE_NAME: json.dumps(state).encode()}

    def _arguments(self, folder: Path, seed: int, steps: int) -> TrainingArguments:
        given = self.task.arguments(self.config)
        check_keywords(given, FIELDS, OWNED, "arguments(config)")
        gpu = torch.cuda.is_available()
        keywords = {"per_device_eval_batch_size": 64, "dataloader_pin_memory": gpu, **given, **QUIET}
        try:
            return TrainingArguments(**keywords, output_dir=str(folder), max_steps=steps, seed=seed, use_cpu=not gpu)
        except (TypeError, ValueError) as error:
            raise TaskError(f"arguments(config): {error}", "correct the value") from error


class _EpochTrainer(Trainer):
    """A ``Trainer`` whose checkpoints hold the model's ``state_dict`` as it is.

    The library renames some models' weights for ``from_pretrained``, and does not find those when it resumes.
    """

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        torch.save(self.model.state_dict(), folder / WEIGHTS_NAME)


class _Watch(TrainerCallback):
    """Callback: ends ``train`` after an epoch, keeps its metrics, steps the schedule past skipped stages."""

    def __init__(self, skipped: int) -> None:
        self.metrics: dict[str, float] = {}
        self.stop = False
        self.began = 0
        self._skipped = skipped

    def on_train_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        self.began = state.global_step
        schedule = keywords["lr_scheduler"]
        if not isinstance(schedule, ReduceLROnPlateau):
            for _ in range(self._skipped):
                schedule.step()

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any], **keywords: Any) -> None:
        self.metrics = {
            f"val_{name.removeprefix('eval_')}": float(value)
            for name, value in metrics.items()
            if name.startswith("eval_") and not name.endswith(TIMINGS)
        }

    def on_save(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        self.stop, control.should_training_stop = control.should_training_stop, True


@cache
def _spare_what_is_loaded() -> None:
    # The Trainer collects garbage before each epoch; without the freeze that would take most of the epoch's overhead.
    gc.collect()
    gc.freeze()


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _pack(folder: Path) -> dict[str, bytes]:
    # Each epoch has a seed of its own, which the generators' states in rng_state.pth would undo.
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != "rng_state.pth")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _unpack(files: Mapping[str, bytes] | None, folder: Path) -> str | None:
    if files is None:
        return None
    for name, content in files.items():
        path = folder / "from" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return str(folder / "from")
