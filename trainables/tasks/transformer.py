"""A small Transformer that translates (Vaswani et al., 2017), with norms first and shared target embeddings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import TaskError
from trainables.tasks.words import BEGIN, END, PADDING

KeyValues = tuple[Tensor, Tensor]
"""Keys and values of an attention, each of shape (batch, heads, length, width of a head)."""


class Attention(nn.Module):
    """Scaled dot-product attention of several heads."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.out = nn.Linear(width, width), nn.Linear(width, width)
        self.memory = nn.Linear(width, 2 * width)

    def remember(self, states: Tensor) -> KeyValues:
        """Keys and values of ``states``, of shape (batch, length, width)."""
        keys, values = self.memory(states).chunk(2, dim=-1)
        return self._split(keys), self._split(values)

    def forward(self, states: Tensor, memory: KeyValues, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """Attention of ``states`` to ``memory``, where ``mask`` is true; with ``causal`` not to later words."""
        attended = functional.scaled_dot_product_attention(
            self._split(self.query(states)),
            *memory,
            attn_mask=mask,
            is_causal=causal,
            dropout_p=self.dropout if self.training else 0.0,
        )
        return self.out(attended.transpose(1, 2).flatten(2))

    def _split(self, states: Tensor) -> Tensor:
        return states.view(*states.shape[:2], self.heads, -1).transpose(1, 2)


class Layer(nn.Module):
    """A layer of the encoder, or with ``cross`` (attention to the source) of the decoder."""

    def __init__(self, width: int, heads: int, hidden: int, dropout: float, cross: bool) -> None:
        super().__init__()
        self.own, self.own_norm = Attention(width, heads, dropout), nn.LayerNorm(width)
        if cross:
            self.cross, self.cross_norm = Attention(width, heads, dropout), nn.LayerNorm(width)
        self.feed = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, width)
        )
        self.dropout = nn.Dropout(dropout)

    def encode(self, states: Tensor, mask: Tensor) -> Tensor:
        """The states of the source after this layer; ``mask`` is true at its words."""
        normed = self.own_norm(states)
        states = states + self.dropout(self.own(normed, self.own.remember(normed), mask))
        return states + self.dropout(self.feed(states))

    def decode(
        self, states: Tensor, source: KeyValues, mask: Tensor, past: KeyValues | None = None
    ) -> tuple[Tensor, KeyValues]:
        """The states of the target after this layer, and the keys and values to pass as ``past`` for the next word.

        Without ``past`` the states are those of a whole target, with causal attention.
        """
        normed = self.own_norm(states)
        memory = self.own.remember(normed)
        if past is not None:
            memory = torch.cat([past[0], memory[0]], dim=2), torch.cat([past[1], memory[1]], dim=2)
        states = states + self.dropout(self.own(normed, memory, causal=past is None))
        states = states + self.dropout(self.cross(self.cross_norm(states), source, mask))
        return states + self.dropout(self.feed(states)), memory


class Translator(nn.Module):
    """Encoder and decoder over padded whole numbers; the embeddings of the target also score its next word.

    Config keys: ``width`` of the states (128), ``hidden`` units of the feed-forward layers (256), ``layers`` of encoder
    and decoder each (2), ``heads`` (4), ``dropout`` (0.1).

    Raises:
        TaskError: ``heads`` does not divide ``width``.
    """

    positions: Tensor

    def __init__(self, config: Mapping[str, Any], source: int, target: int, length: int) -> None:
        super().__init__()
        width, heads, dropout = config.get("width", 128), config.get("heads", 4), config.get("dropout", 0.1)
        if width % heads:
            raise TaskError(f"heads is {heads}, which does not divide width {width}", "use a divisor, e.g. 4")
        self.source = nn.Embedding(source, width, padding_idx=PADDING)
        self.target = nn.Embedding(target, width, padding_idx=PADDING)
        for embedding in (self.source, self.target):
            nn.init.normal_(embedding.weight, std=width**-0.5)
        self.register_buffer("positions", sinusoids(length, width), persistent=False)
        shape = (width, heads, config.get("hidden", 256), dropout)
        count = range(config.get("layers", 2))
        self.encoder = nn.ModuleList(Layer(*shape, cross=False) for _ in count)
        self.decoder = nn.ModuleList(Layer(*shape, cross=True) for _ in count)
        self.encoder_norm, self.decoder_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """States of shape (batch, length, width) after each word of ``target``, for `scores`."""
        memories, mask = self.encode(source)
        states = self._embed(self.target, target)
        for layer, memory in zip(_layers(self.decoder), memories, strict=True):
            states, _ = layer.decode(states, memory, mask)
        return self.decoder_norm(states)

    def encode(self, source: Tensor) -> tuple[list[KeyValues], Tensor]:
        """Keys and values of ``source`` for each layer of the decoder, and the mask of its words."""
        mask = (source != PADDING)[:, None, None]
        states = self._embed(self.source, source)
        for layer in _layers(self.encoder):
            states = layer.encode(states, mask)
        states = self.encoder_norm(states)
        return [layer.cross.remember(states) for layer in _layers(self.decoder)], mask

    def scores(self, states: Tensor) -> Tensor:
        """Scores of every word to be the next one, of shape (…, words)."""
        return functional.linear(states, self.target.weight)

    def greedy(self, source: Tensor, length: int) -> Tensor:
        """The greedy translation, of shape (batch, at most ``length``), without `BEGIN`.

        After its `END` a row is `PADDING`; a row without `END` was cut.
        """
        memories, mask = self.encode(source)
        pasts: list[KeyValues | None] = [None] * len(self.decoder)
        word = torch.full_like(source[:, :1], BEGIN)
        chosen: list[Tensor] = []
        ended = torch.zeros_like(word, dtype=torch.bool)
        while len(chosen) < length and not bool(ended.all()):
            states = self._embed(self.target, word, len(chosen))
            for number, layer in enumerate(_layers(self.decoder)):
                states, pasts[number] = layer.decode(states, memories[number], mask, pasts[number])
            best = self.scores(self.decoder_norm(states)).argmax(dim=-1).to(word.dtype)
            word = best.masked_fill(ended, PADDING)
            ended = ended | (word == END)
            chosen.append(word)
        return torch.cat(chosen, dim=1)

    def _embed(self, embedding: nn.Embedding, words: Tensor, start: int = 0) -> Tensor:
        scaled = embedding(words) * math.sqrt(embedding.embedding_dim)
        return self.dropout(scaled + self.positions[start : start + words.shape[1]])


def _layers(modules: nn.ModuleList) -> list[Layer]:
    return cast("list[Layer]", list(modules))


def sinusoids(length: int, width: int) -> Tensor:
    """The position codes of Vaswani et al. (2017), of shape (length, width); ``width`` is even."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000.0) / width))
    angles = torch.arange(length)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1)
