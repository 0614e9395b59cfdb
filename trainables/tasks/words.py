"""Vocabulary of the training texts, and texts as padded arrays of its numbers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

PADDING, UNKNOWN, BEGIN, END = range(4)
SPECIAL = 4
"""Numbers below this one stand for padding, begin, end and unknown words."""

Text = Sequence[str]
"""A text as its words."""


def words(text: str) -> list[str]:
    """The words and punctuation marks of ``text``, lower-case."""
    return re.findall(r"\w+|[^\w\s]", text.lower())


class Vocabulary:
    """The most frequent words of ``texts`` that occur at least twice, with numbers from `SPECIAL` to below ``size``.

    Words that occur once are left out, so that a model is trained on `UNKNOWN`, too. Equally frequent words are in
    alphabetical order.
    """

    def __init__(self, texts: Iterable[Text], size: int) -> None:
        counts = Counter(chain.from_iterable(texts))
        frequent = sorted((word for word in counts if counts[word] > 1), key=lambda word: (-counts[word], word))
        self.numbers = {word: SPECIAL + rank for rank, word in enumerate(frequent[: size - SPECIAL])}

    def encode(self, texts: Iterable[Text]) -> list[list[int]]:
        """The numbers of the words of each text; `UNKNOWN` for those that have none."""
        return [[self.numbers.get(word, UNKNOWN) for word in text] for text in texts]


def padded(texts: Sequence[Tensor]) -> Tensor:
    """``texts`` of whole numbers as one batch, filled up with `PADDING` to the longest, and to one word at least."""
    batch = pad_sequence(list(texts), batch_first=True, padding_value=PADDING)
    return batch if batch.shape[1] else torch.full((len(batch), 1), PADDING, dtype=batch.dtype)


def cut(rows: Iterable[Sequence[int]], length: int) -> list[NDArray[np.int32]]:
    """Each row as an array of at most ``length`` numbers."""
    return [np.asarray(row[:length], dtype=np.int32) for row in rows]


def pad(rows: Sequence[Sequence[int]], length: int) -> NDArray[np.int32]:
    """An array of shape (rows, length): each row cut to ``length``, or filled up at its end with `PADDING`."""
    table = np.full((len(rows), length), PADDING, dtype=np.int32)
    for row, numbers in zip(table, rows, strict=True):
        row[: len(numbers)] = numbers[:length]
    return table
