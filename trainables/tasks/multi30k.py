"""Multi30k (Elliott et al., 2016): image captions from English to German by a small Transformer, judged by BLEU."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.data import Batch, Data
from trainables.datasets.downloads import Download, contents
from trainables.datasets.ragged import Ragged
from trainables.errors import TaskError
from trainables.task import Task
from trainables.tasks.transformer import Translator
from trainables.tasks.words import BEGIN, END, PADDING, Text, Vocabulary, cut, padded

SITE = "https://raw.githubusercontent.com/multi30k/dataset/master/data/task1/raw"
CHECKSUMS = {
    "train.en": "460a15fbd157e34a7a9957ee388c1ca247fe47af3ef25fb50442af6c274e0fc6",
    "train.de": "2c2b73fd2b548fbcde3a875e0a78d6ee94d498bfdee6bd3eae3945779e9ddf72",
    "val.en": "1f2a23d992769b5b3d209b0a10dd0b77c08cceb1f20dfb97ed0aafa49d107227",
    "val.de": "660e09eb7e1da2f856ea13ee5ad3cf6d36b3d5b0b733c857e94c5747a3dfc660",
}
SOURCES = tuple(Download(f"multi30k/{name}.gz", checksum, f"{SITE}/{name}.gz") for name, checksum in CHECKSUMS.items())
VOCABULARY, LENGTH, ORDERS = 6000, 32, 4


class Multi30k(Task):
    """29 000 pairs of sentences to train on, 1 014 to validate, lower-case, as whole numbers; a batch is padded.

    ``val_bleu``, from 0 to 100, is sacrebleu's for lower-cased text (13a tokens), of greedy translations of the whole
    validation set; it needs the package (extra ``tasks``). ``val_loss`` is per word. A sentence is cut after ``LENGTH``
    words. Config keys besides those of the recipe are those of `Translator`.
    """

    def data(self) -> Data:
        english, german, *validation = (tokens(content) for content in contents(SOURCES, self.data_dir))
        vocabularies = Vocabulary(english, VOCABULARY), Vocabulary(german, VOCABULARY)
        return Data(
            _pairs((english, german), vocabularies),
            (*_pairs((validation[0], validation[1]), vocabularies), references(validation[1], vocabularies[1])),
        )

    def collate(self, items: list[Any]) -> tuple[Tensor, ...]:
        """Source and target, and in validation the references, each padded to its longest sentence."""
        return tuple(padded(texts) for texts in zip(*items, strict=True))

    def model(self, config: Mapping[str, Any]) -> nn.Module:
        return Translator(config, VOCABULARY, VOCABULARY, LENGTH)

    def loss(self, model: nn.Module, batch: Batch, config: Mapping[str, Any]) -> Tensor:
        """Mean cross entropy of the words of a batch, with ``label_smoothing`` if configured."""
        total, count = _cross_entropy(model, batch, float(config.get("label_smoothing", 0.0)))
        return total / count

    def metrics(self, model: nn.Module, batch: Batch, config: Mapping[str, Any]) -> Mapping[str, float | Tensor]:
        """Means per sentence: the loss of its words, their number, and the counts of BLEU."""
        total, words = _cross_entropy(model, batch, 0.0)
        counts = bleu_counts(cast("Translator", model).greedy(batch[0], LENGTH - 1), batch[2])
        size = len(batch[0])
        return {"nll": total / size, "words": words / size, **{name: n / size for name, n in counts.items()}}

    def summary(self, means: Mapping[str, float], examples: int) -> Mapping[str, float]:
        """``loss`` per word and ``bleu`` of all ``examples``."""
        counts = {name: round(value * examples) for name, value in means.items()}
        return {"loss": means["nll"] / means["words"], "bleu": bleu(counts)}


def tokens(content: bytes) -> list[Text]:
    """The words of each line of ``content``, lower-case, as sacrebleu's 13a tokenizer separates them."""
    tokenize = _sacrebleu().tokenizers.tokenizer_13a.Tokenizer13a()
    return [tokenize(line.lower()).split() for line in content.decode().removesuffix("\n").split("\n")]


def references(texts: Sequence[Text], vocabulary: Vocabulary) -> Ragged:
    """The numbers of all words of ``texts``; those outside the ``vocabulary`` get numbers from `VOCABULARY` on."""
    numbers = dict(vocabulary.numbers)
    rows = [[numbers.setdefault(word, VOCABULARY + len(numbers)) for word in text] for text in texts]
    return Ragged.of(cut(rows, max(map(len, rows))))


def bleu_counts(translations: Tensor, references: Tensor) -> dict[str, int]:
    """The counts of BLEU (Papineni et al., 2002), summed over sentences: matching and all n-grams, and both lengths.

    Both are padded whole numbers of shape (batch, length); a word is its number.
    """
    texts = [[_text(row) for row in table.tolist()] for table in (translations, references)]
    score = _sacrebleu().metrics.BLEU(tokenize="none", force=True).corpus_score(texts[0], [texts[1]])
    matches = {f"matches_{n}": count for n, count in enumerate(score.counts)}
    totals = {f"ngrams_{n}": count for n, count in enumerate(score.totals)}
    return {**matches, **totals, "length": score.sys_len, "reference_length": score.ref_len}


def bleu(counts: Mapping[str, int]) -> float:
    """BLEU, from 0 to 100, of the sums of `bleu_counts` over a corpus."""
    score = _sacrebleu().metrics.BLEU.compute_bleu(
        [counts[f"matches_{n}"] for n in range(ORDERS)],
        [counts[f"ngrams_{n}"] for n in range(ORDERS)],
        counts["length"],
        counts["reference_length"],
        smooth_method="exp",
    )
    return float(score.score)


def _pairs(texts: tuple[Sequence[Text], ...], vocabularies: tuple[Vocabulary, ...]) -> tuple[Ragged, ...]:
    source, target = (vocabulary.encode(part) for part, vocabulary in zip(texts, vocabularies, strict=True))
    framed = [[BEGIN, *row[: LENGTH - 2], END] for row in target]
    return Ragged.of(cut(source, LENGTH)), Ragged.of(cut(framed, LENGTH))


def _cross_entropy(model: nn.Module, batch: Batch, smoothing: float) -> tuple[Tensor, Tensor]:
    translator = cast("Translator", model)
    source, target = batch[0], batch[1]
    following = target[:, 1:].to(torch.int64)
    real = following != PADDING
    # Scores are computed for words only, not for padding, as they take most of the time.
    scores = translator.scores(translator(source, target[:, :-1])[real])
    total = functional.cross_entropy(scores, following[real], label_smoothing=smoothing, reduction="sum")
    return total, real.sum()


def _text(row: list[int]) -> str:
    return " ".join(str(number) for number in row if number not in (PADDING, END))


def _sacrebleu() -> Any:
    try:
        import sacrebleu.metrics
        import sacrebleu.tokenizers.tokenizer_13a
    except ModuleNotFoundError:
        raise TaskError(
            "BLEU needs the package sacrebleu", "from a checkout of Sieve: pip install '.[tasks]'"
        ) from None
    return sacrebleu
