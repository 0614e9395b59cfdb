"""``sieve space``: every round's space, what changed and why, and taking it back."""

from __future__ import annotations

import csv
import io
import json

import pandas as pd

from service.interface.text.space_words import describe
from service.ledger import Results, Store
from service.ledger.records import Batch, SpaceRecord
from tests.unit.interface.conftest import SPEC, Terminal

LR, LAYERS = (SPEC["parameters"][name] for name in ("lr", "layers"))
NARROW = {"loguniform": [0.003, 0.2]}
REASONS = [
    {"parameter": "lr", "from": LR, "to": NARROW, "reason": "the best 12 of 48 lie in 0.004 .. 0.1; was 0.0001 .. 1"},
    {"parameter": "layers", "from": LAYERS, "to": LAYERS, "reason": "no value is clearly rarer"},
]
FIRST = SpaceRecord(1, {"lr": NARROW, "layers": LAYERS}, REASONS, time=9.0)
SECOND = SpaceRecord(2, {"lr": NARROW}, [REASONS[1] | {"to": None, "reason": "applied only beside lost values"}], 11.0)


def test_without_rounds_there_is_the_space_of_the_spec(sieve: Terminal, store: Store) -> None:
    assert sieve("space", "toy").stdout.splitlines() == [
        "round 0: as in the spec",
        "  lr      loguniform [0.0001, 1.0]",
        "  layers  choice [[8], [8, 8]]",
    ]


def test_each_round_says_what_changed_and_why(sieve: Terminal, store: Store) -> None:
    store.append("toy", 1, Batch(spaces=[FIRST, SECOND]))
    assert sieve("space", "toy").stdout.splitlines()[4:] == [
        "round 1: 1 of 2 parameters changed",
        "  lr      loguniform [0.003, 0.2]",
        "          the best 12 of 48 lie in 0.004 .. 0.1; was 0.0001 .. 1",
        "  layers  choice [[8], [8, 8]], as before",
        "          no value is clearly rarer",
        "",
        "round 2: 1 of 1 parameters changed",
        "  layers  gone",
        "          applied only beside lost values",
    ]


def test_programs_get_a_row_per_round_and_parameter(sieve: Terminal, store: Store) -> None:
    store.append("toy", 1, Batch(spaces=[FIRST]))
    listed = json.loads(sieve("space", "toy", "-o", "json").stdout)
    assert [(row["round"], row["parameter"], row["to"]) for row in listed[1:3]] == [
        (0, "layers", LAYERS),
        (1, "lr", NARROW),
    ]
    assert listed[2] == {"round": 1, **REASONS[0], "undone": False, "time": 9.0}
    read = list(csv.DictReader(io.StringIO(sieve("space", "toy", "-o", "csv").stdout)))
    assert json.loads(read[2]["to"]) == NARROW
    frame = Results(store).spaces("toy")
    assert frame["parameter"].tolist() == ["lr", "layers"] * 2
    assert frame["undone"].dtype == bool
    assert pd.isna(frame["from"][0])


def test_undoing_is_recorded_and_shown(sieve: Terminal, store: Store) -> None:
    store.append("toy", 1, Batch(spaces=[FIRST]))
    result = sieve("space", "toy", "--undo")
    assert result.stderr == "the narrowing for round 1 is undone; the next round begins with the space before it\n"
    assert "round 1: 1 of 2 parameters changed; UNDONE" in result.stdout
    assert "UNDONE" in sieve("space", "toy").stdout
    assert "no narrowing to undo" in sieve("space", "toy", "--undo", code=2).stderr
    store.append("toy", 1, Batch(spaces=[SpaceRecord(2, SPEC["parameters"], [], 12.0)]))
    assert "round 2: as before the narrowing was undone" in sieve("space", "toy").stdout


def test_long_reasons_wrap(store: Store) -> None:
    store.append("toy", 1, Batch(spaces=[SpaceRecord(1, {}, [REASONS[0] | {"reason": "why " * 60}], 1.0)]))
    assert max(map(len, describe(Results(store).space_rows("toy"), width=80).splitlines())) <= 80
