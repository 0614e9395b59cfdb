"""Translation: masks, greedy decoding, and BLEU over the whole validation set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from trainables.data import Data
from trainables.errors import TaskError
from trainables.loop.training import Training
from trainables.stages import Plan, Stage
from trainables.tasks import multi30k
from trainables.tasks.multi30k import VOCABULARY, Multi30k, bleu, bleu_counts, references
from trainables.tasks.transformer import Translator
from trainables.tasks.words import BEGIN, END, PADDING, UNKNOWN, Vocabulary, padded

CONFIG = {"width": 16, "hidden": 24, "layers": 2, "heads": 2}


@pytest.fixture
def model() -> Translator:
    torch.manual_seed(0)
    return Translator(CONFIG, source=30, target=40, length=12).eval()


def numbers(*rows: list[int]) -> torch.Tensor:
    return padded([torch.tensor(row, dtype=torch.int32) for row in rows])


def test_padding_of_the_source_changes_nothing(model: Translator) -> None:
    target = numbers([BEGIN, 8, 9], [BEGIN, 8, 9])
    together = model(numbers([5, 6], [5, 6, 7, 8, 9]), target)
    assert torch.allclose(together[0], model(numbers([5, 6]), target[:1])[0], atol=1e-6)
    assert not torch.allclose(together[0], together[1], atol=1e-3)


def test_no_word_sees_those_after_it(model: Translator) -> None:
    source = numbers([5, 6, 7])
    first, second = (model(source, numbers([BEGIN, 8, word, 10])) for word in (9, 20))
    assert torch.allclose(first[:, :2], second[:, :2], atol=1e-6)
    assert not torch.allclose(first[:, 2:], second[:, 2:], atol=1e-3)


def test_greedy_takes_the_likeliest_word_that_the_whole_target_foretells(model: Translator) -> None:
    model.positions.mul_(4)  # So that a word's place has a say in what follows it.
    source = torch.randint(4, 30, (40, 7))
    source[20:, 4:] = PADDING
    chosen = model.greedy(source, 11)
    target = torch.cat([torch.full((40, 1), BEGIN), chosen], dim=1)
    foretold = model.scores(model(source, target[:, :-1])).argmax(dim=-1)
    for row, expected in zip(chosen.tolist(), foretold.tolist(), strict=True):
        until = row.index(END) + 1 if END in row else len(row)
        assert row[:until] == expected[:until]


def test_greedy_pads_after_the_end_and_stops_when_all_have_ended(model: Translator) -> None:
    with torch.no_grad():
        model.target.weight.zero_()
        model.target.weight[END, 0] = 1.0
        model.decoder_norm.weight.zero_()
        model.decoder_norm.bias[0] = 1.0
    assert model.greedy(numbers([5, 6], [7, 8]), 8).tolist() == [[END], [END]]


def test_every_parameter_learns() -> None:
    model = Translator({**CONFIG, "dropout": 0.1}, source=30, target=40, length=12)
    model.scores(model(torch.randint(4, 30, (3, 6)), torch.randint(4, 40, (3, 6)))).square().sum().backward()
    assert [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(TaskError, match="heads is 3, which does not divide width 16"):
        Translator({**CONFIG, "heads": 3}, source=30, target=40, length=12)


def test_unknown_words_of_references_are_words_of_their_own() -> None:
    vocabulary = Vocabulary([["ein", "hund", "ein", "hund"]], 10)
    table = references([["ein", "hund", "bellt"], ["kein", "hund"]], vocabulary)
    assert table[0][1] == table[1][1] == vocabulary.numbers["hund"]
    assert len({table[0][2], table[1][0]}) == 2
    assert min(table[0][2], table[1][0]) >= VOCABULARY
    assert (table.flat != UNKNOWN).all()


def corpus() -> tuple[list[str], list[str]]:
    return (
        ["ein hund läuft über die wiese", "zwei männer stehen hier .", "ein kind", "frau"],
        ["ein hund läuft schnell über eine wiese", "zwei männer stehen dort .", "ein kleines kind lacht .", "mann"],
    )


def test_bleu_of_parts_is_that_of_the_corpus() -> None:
    import sacrebleu

    texts, truths = corpus()
    numbered: dict[str, int] = {}
    tables = [
        numbers(*[[numbered.setdefault(word, 10 + len(numbered)) for word in text.split()] for text in side])
        for side in (texts, truths)
    ]
    parts = [bleu_counts(tables[0][rows], tables[1][rows]) for rows in (slice(0, 1), slice(1, 3), slice(3, 4))]
    total = {name: sum(part[name] for part in parts) for name in parts[0]}
    assert bleu(total) == pytest.approx(sacrebleu.corpus_bleu(texts, [truths]).score)
    assert bleu(total) != pytest.approx(sum(bleu(part) for part in parts) / 3, abs=1.0)


def test_validation_in_batches_reports_corpus_bleu(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    task, vocabulary = Multi30k(), 20
    monkeypatch.setattr(multi30k, "VOCABULARY", vocabulary)
    sources = torch.randint(4, vocabulary, (70, 6), dtype=torch.int32)
    targets = torch.cat([torch.full((70, 1), BEGIN), sources, torch.full((70, 1), END)], dim=1).to(torch.int32)
    data = Data((sources, targets), (sources[:30], targets[:30], sources[:30]))
    config: dict[str, Any] = {**CONFIG, "lr": 0.01, "batch_size": 16}
    training = Training(task, data, config, Plan((Stage(1.0, 6),)), seed=0)
    reports = [training.run_epoch() for _ in range(6)]
    monkeypatch.setattr("trainables.loop.training.VALIDATION_BATCH", 7)
    assert training._validate() == pytest.approx({k: v for k, v in reports[-1].items() if k != "train_loss"}, rel=1e-4)
    assert set(reports[-1]) == {"train_loss", "val_loss", "val_bleu"}
    assert reports[0]["val_bleu"] < reports[-1]["val_bleu"] <= 100.0


def test_the_data_are_pairs_with_whole_references(data_dir: Path) -> None:
    import gzip

    import sacrebleu

    lines = {}
    for name in ("val.en", "val.de"):
        lines[name] = gzip.decompress((data_dir / "multi30k" / f"{name}.gz").read_bytes()).decode().splitlines()
    task = Multi30k()
    task.data_dir = data_dir
    data = task.data()
    assert [(len(array), array.lengths.max()) for array in data.train] == [(29000, 32), (29000, 32)]
    source, target, reference = data.validation
    assert len(source) == 1014
    assert {int(row[0]) for row in target} == {BEGIN}
    assert int(target.flat.max()) < VOCABULARY <= int(reference.flat.max())
    # The references rotated by one, judged as text and as numbers.
    shifted = lines["val.de"][1:] + lines["val.de"][:1]
    expected = sacrebleu.corpus_bleu(shifted, [lines["val.de"]], lowercase=True).score
    table = padded([torch.from_numpy(row) for row in reference])
    assert bleu(bleu_counts(table.roll(-1, 0), table)) == pytest.approx(expected)
