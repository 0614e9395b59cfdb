"""A transformers task with dropout and a cosine over all steps, on a tiny model that nothing is downloaded for."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    EarlyStoppingCallback,
    TrainerCallback,
    ViTConfig,
    ViTForImageClassification,
)

from trainables.data import Data
from trainables.huggingface import TransformersTask

RATES: list[float] = []
"""The learning rate of every step that this process has taken."""

CONFIG = {"learning_rate": 0.05, "lr_scheduler_type": "cosine", "per_device_train_batch_size": 8}


class Spy(TrainerCallback):
    def on_step_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        RATES.append(keywords["optimizer"].param_groups[0]["lr"])


class Poison(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_begin(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        if state.global_step == self.step:
            next(keywords["model"].parameters()).data.fill_(float("nan"))


class Tokens(TransformersTask):
    """Sequences of six tokens, of which the third tells the class."""

    def data(self) -> Data:
        labels = np.arange(90) % 2
        tokens = np.random.default_rng(0).integers(0, 20, (90, 6))
        tokens[:, 2] = labels * 10 + 1
        return Data((tokens[:60], labels[:60]), (tokens[60:], labels[60:]))

    def model(self, config: Any) -> nn.Module:
        return BertForSequenceClassification(
            BertConfig(
                vocab_size=20,
                hidden_size=8,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=8,
                num_labels=2,
            )
        )

    def trainer(self, config: Any) -> Any:
        return {"callbacks": [Spy(), *([Poison(config["poison"])] if "poison" in config else [])]}


class Mappings(Tokens):
    """The same examples as datasets whose items are mappings, with a column that is not the model's."""

    def data(self) -> Data:
        data = super().data()
        train, validation = (
            [{"input_ids": tokens, "labels": label, "note": 1} for tokens, label in zip(*part, strict=True)]
            for part in (data.train, data.validation)
        )
        return Data(train, validation, labels=data.labels)  # type: ignore[arg-type]


class Pictures(Tokens):
    """A model whose weights have other names where ``from_pretrained`` reads them."""

    columns = ("pixel_values", "labels")

    def data(self) -> Data:
        labels = np.arange(90) % 2
        pixels = np.random.default_rng(0).normal(size=(90, 1, 4, 4)).astype("float32") + labels[:, None, None, None]
        return Data((pixels[:60], labels[:60]), (pixels[60:], labels[60:]))

    def model(self, config: Any) -> nn.Module:
        sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
        return ViTForImageClassification(ViTConfig(image_size=4, patch_size=2, num_channels=1, num_labels=2, **sizes))


class Patient(Tokens):
    """Asks to stop as soon as one epoch is no better than the best by a lot."""

    def arguments(self, config: Any) -> Any:
        return {**super().arguments(config), "metric_for_best_model": "accuracy", "greater_is_better": True}

    def trainer(self, config: Any) -> Any:
        return {"callbacks": [Spy(), EarlyStoppingCallback(1, early_stopping_threshold=0.9)]}


class Break(TrainerCallback):
    def __init__(self) -> None:
        self.steps = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **keywords: Any) -> None:
        self.steps += 1
        control.should_training_stop |= self.steps == 2


class Hasty(Tokens):
    """Asks to stop after two steps of an epoch."""

    def trainer(self, config: Any) -> Any:
        return {"callbacks": [Spy(), Break()]}


class NotAModule(Tokens):
    def model(self, config: Any) -> Any:
        return "bert"


class Misnamed(Tokens):
    columns = ("input_ids",)
