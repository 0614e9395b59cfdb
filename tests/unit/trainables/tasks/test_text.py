"""Text tasks: the vocabulary is the training set's, and padding changes no score."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from trainables.datasets.ragged import Ragged
from trainables.errors import TaskError
from trainables.loop.training import Training
from trainables.stages import Plan, Stage
from trainables.tasks.encoders import MODELS, Classifier
from trainables.tasks.text import CLINC150, SST2, TREC, TextClassification, intents, tabbed
from trainables.tasks.words import PADDING, SPECIAL, UNKNOWN, Vocabulary, cut, padded, words


def test_words_are_lower_case_and_signs_are_words() -> None:
    assert words("It's GOOD, isn't-it?") == ["it", "'", "s", "good", ",", "isn", "'", "t", "-", "it", "?"]


def test_the_vocabulary_holds_frequent_words_in_order() -> None:
    vocabulary = Vocabulary([["b", "a", "c"], ["a", "b", "once"], ["c", "c"]], size=SPECIAL + 2)
    assert vocabulary.numbers == {"c": SPECIAL, "a": SPECIAL + 1}
    assert vocabulary.encode([["a", "once", "c"]]) == [[SPECIAL + 1, UNKNOWN, SPECIAL]]


def test_rows_are_cut_and_padded_to_the_longest() -> None:
    rows = [torch.from_numpy(row) for row in cut([[7, 8, 9], [], [5]], 2)]
    assert padded(rows).tolist() == [[7, 8], [PADDING, PADDING], [5, PADDING]]
    assert padded(rows[1:2]).tolist() == [[PADDING]]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("layers", [1, 2])
def test_padding_changes_no_score(model: str, layers: int) -> None:
    torch.manual_seed(0)
    config = {"model": model, "embedding": 8, "hidden": 6, "layers": layers, "heads": 2}
    classifier = Classifier(config, vocabulary=20, length=12, classes=3).eval()
    short, long = [5, 6, 7], list(range(4, 14))
    texts = [torch.from_numpy(row) for row in cut([short, long, []], 12)]
    together = classifier(padded(texts), torch.tensor([3, 10, 0]))
    alone = classifier(torch.tensor([short]), torch.tensor([3]))
    assert together.shape == (3, 3)
    assert torch.allclose(together[0], alone[0], atol=1e-6)
    assert torch.isfinite(together).all()
    assert not torch.allclose(together[0], classifier(torch.tensor([[5, 6, 8]]), torch.tensor([3]))[0], atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_every_parameter_learns(model: str) -> None:
    classifier = Classifier({"model": model, "layers": 2, "dropout": 0.1}, vocabulary=20, length=6, classes=3)
    classifier(torch.randint(4, 20, (5, 6)), torch.full((5,), 6)).square().sum().backward()
    assert [name for name, p in classifier.named_parameters() if p.grad is None or not p.grad.any()] == []
    assert not classifier.embedding.weight[PADDING].any()


def test_wrong_keys_are_refused_with_the_cure() -> None:
    with pytest.raises(TaskError, match=r"model is 'grru' \(did you mean 'gru'\?\)"):
        TREC().model({"model": "grru"})
    with pytest.raises(TaskError, match="heads is 3, which does not divide embedding 128"):
        TREC().model({"model": "transformer", "heads": 3})


@pytest.mark.parametrize(("task", "sizes"), [(SST2, (6920, 872)), (TREC, (4906, 546)), (CLINC150, (15000, 3000))])
def test_the_data_fit_the_model(data_dir: Path, task: type[TextClassification], sizes: tuple[int, int]) -> None:
    made = task()
    made.data_dir = data_dir
    data = made.data()
    texts, labels = data.train
    assert (len(labels), len(data.validation[1])) == sizes
    assert isinstance(texts, Ragged)
    assert len(texts) == sizes[0]
    assert texts.lengths.max() == task.length
    assert int(texts.flat.max()) < task.vocabulary
    assert np.unique(labels).tolist() == list(range(task.classes)) == np.unique(data.validation[1]).tolist()
    assert (texts.flat == UNKNOWN).mean() < (data.validation[0].flat == UNKNOWN).mean() < 0.15
    trained = Training(made, data, {"hidden": 8, "embedding": 8}, Plan((Stage(0.02, 1),)), 0)
    assert 0 < trained.run_epoch()["val_loss"] < 2 * np.log(task.classes)


@pytest.mark.parametrize("source", [*SST2.sources, *TREC.sources])
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_published_sentences_become_the_checked_ones(data_dir: Path, source: object, encoding: str) -> None:
    content = gzip.decompress((data_dir / source.path).read_bytes())  # type: ignore[attr-defined]
    published = "\n".join(line.replace("\t", " ", 1) for line in content.decode().split("\n")).encode(encoding)
    assert hashlib.sha256(tabbed(published)).hexdigest() == source.sha256  # type: ignore[attr-defined]


def test_the_published_intents_become_lines() -> None:
    published = {"train": [["what's up", "greeting"], ["bye\u2019", "goodbye"]], "val": [["no", "no"]]}
    assert intents("train", json.dumps(published).encode()).decode() == "greeting\twhat's up\ngoodbye\tbye\u2019\n"
