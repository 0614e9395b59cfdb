"""A language model: a small causal Transformer that foretells the next word of English captions (Multi30k)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.data import Batch, Data
from trainables.datasets.downloads import contents
from trainables.task import Task
from trainables.tasks.multi30k import SOURCES
from trainables.tasks.words import BEGIN, END, PADDING, Vocabulary, pad, words

VOCABULARY, LENGTH = 1000, 20


class Captions(Task):
    """Captions as padded whole numbers; ``val_loss`` is per word. Config keys: ``width``, ``layers``, ``dropout``."""

    def data(self) -> Data:
        # In the order of SOURCES: the English texts are the first and the third.
        parts = [content for number, content in enumerate(contents(SOURCES, self.data_dir)) if number % 2 == 0]
        texts = [[words(line) for line in part.decode().removesuffix("\n").split("\n")] for part in parts]
        vocabulary = Vocabulary(texts[0], VOCABULARY)
        train, validation = (
            pad([[BEGIN, *row[: LENGTH - 1], END] for row in vocabulary.encode(part)], LENGTH + 1) for part in texts
        )
        return Data((train,), (validation,))

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return Causal(config["width"], config["layers"], config["dropout"])

    def loss(self, model: nn.Module, batch: Batch, config: Mapping[str, Any]) -> Tensor:
        total, count = self._entropy(model, batch)
        return total / count

    def metrics(self, model: nn.Module, batch: Batch, config: Mapping[str, Any]) -> dict[str, Tensor]:
        total, count = self._entropy(model, batch)
        return {"total": total / len(batch[0]), "words": count / len(batch[0])}

    def summary(self, means: Mapping[str, float], examples: int) -> dict[str, float]:
        return {"loss": means["total"] / means["words"]}

    def _entropy(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        texts = batch[0].long()
        following = texts[:, 1:]
        scores = model(texts[:, :-1]).flatten(0, 1)
        real = following != PADDING
        return functional.cross_entropy(
            scores, following.flatten(), ignore_index=PADDING, reduction="sum"
        ), real.sum().float()


class Causal(nn.Module):
    """Norms first, four heads, learned positions; the embeddings also score the next word."""

    def __init__(self, width: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, width)
        nn.init.normal_(self.words.weight, std=width**-0.5)
        self.positions = nn.Parameter(torch.randn(LENGTH, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout, batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, layers, norm=nn.LayerNorm(width), enable_nested_tensor=False)
        self.register_buffer("mask", torch.triu(torch.full((LENGTH, LENGTH), float("-inf")), 1), persistent=False)

    def forward(self, texts: Tensor) -> Tensor:
        """Scores of shape (batch, length, words)."""
        size = texts.shape[1]
        states = self.layers(self.words(texts) + self.positions[:size], mask=self.mask[:size, :size])
        return functional.linear(states, self.words.weight)
