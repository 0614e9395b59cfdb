"""Listings in each form: the same as the DataFrames, and as the command line's rows."""

from __future__ import annotations

import io
import json
import math

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from service.interface.api.formats import ARROW, CSV, JSON, OFFERED, PARQUET
from service.interface.text import tables
from service.ledger import Results, Store
from service.ledger.records import Batch, ReportRecord, TrialRecord
from tests.unit.interface.api.conftest import Person

LISTINGS = ("trials", "history", "best", "decisions", "stages", "spaces")


def frame(person: Person, path: str, form: str) -> pd.DataFrame:
    """The listing as pandas has it; columns marked as JSON are read, lists are lists."""
    response = person("GET", path, headers={"Accept": form})
    assert (response.status_code, response.headers["content-type"]) == (200, form)
    source = pa.BufferReader(response.content)
    table = pq.read_table(source) if form == PARQUET else pa.ipc.open_stream(source).read_all()
    found = table.to_pandas()
    for field in table.schema:
        if (field.metadata or {}).get(b"sieve") == b"json":
            read = [None if text is None else json.loads(text) for text in table[field.name].to_pylist()]
            found[field.name] = pd.Series(read, dtype=object)
        elif pa.types.is_list(field.type):
            found[field.name] = found[field.name].map(list)
    return found


@pytest.mark.parametrize("form", [PARQUET, ARROW])
@pytest.mark.parametrize("what", LISTINGS)
def test_parquet_and_arrow_are_the_data_frame(viewer: Person, store: Store, what: str, form: str) -> None:
    assert_frame_equal(frame(viewer, f"/sweeps/toy/{what}", form), getattr(Results(store), what)("toy"))


def test_choices_of_several_types_come_back_as_they_are(viewer: Person, store: Store) -> None:
    for number, choice in enumerate([[8, "a"], {"k": 1}, 3, None, [8]], start=10):
        store.append("toy", 1, Batch([TrialRecord(number, {"lr": 0.1, "layers": choice}, "PENDING")]))
    shown = frame(viewer, "/sweeps/toy/trials", PARQUET)
    assert list(shown["config/layers"][-5:]) == [[8, "a"], {"k": 1}, 3, None, [8]]


def test_a_sweep_without_trials_has_the_columns(viewer: Person, store: Store) -> None:
    store.create("empty", store.sweep("toy").spec, ".", "ann", None)
    for what in LISTINGS[:4]:
        assert_frame_equal(frame(viewer, f"/sweeps/empty/{what}", PARQUET), getattr(Results(store), what)("empty"))
        assert viewer("GET", f"/sweeps/empty/{what}").json() == {"items": []}


@pytest.mark.parametrize("what", LISTINGS)
def test_json_and_csv_are_the_rows_of_the_command_line(viewer: Person, store: Store, what: str) -> None:
    method = {"trials": "trial", "stages": "stage", "decisions": "decision", "spaces": "space"}.get(what, what)
    rows = getattr(Results(store), f"{method}_rows")("toy")
    assert viewer("GET", f"/sweeps/toy/{what}").json()["items"] == json.loads(json.dumps(rows))
    text = viewer("GET", f"/sweeps/toy/{what}", headers={"Accept": CSV}).text
    assert text == tables.render(tables.dated(rows), "csv") + "\n"


def test_a_long_history_comes_whole_in_every_form(viewer: Person, store: Store) -> None:
    metrics = [{"val_accuracy": value, "loss": 1.0} for value in (0.5, math.nan, math.inf)]
    reports = [ReportRecord(3, 1, 10 + n, 1.0, n, metrics[n % 3], float(n), False, 1.0) for n in range(20_000)]
    store.append("toy", 1, Batch(reports=reports))
    rows = viewer("GET", "/sweeps/toy/history").json()["items"]
    assert len(rows) == len(store.reports("toy"))
    assert [row["val_accuracy"] for row in rows[-3:]] == [None, 0.5, None]
    assert viewer("GET", "/sweeps/toy/history", headers={"Accept": CSV}).text.count("\n") == len(rows) + 1
    for form in (PARQUET, ARROW):
        assert len(frame(viewer, "/sweeps/toy/history", form)) == len(rows)


def test_the_best_are_as_many_as_asked_for(viewer: Person) -> None:
    assert [row["trial"] for row in viewer("GET", "/sweeps/toy/best?n=5").json()["items"]] == [1]
    assert viewer("GET", "/sweeps/toy/best?n=0").status_code == 422


def test_sweeps_are_a_table_too(viewer: Person, store: Store) -> None:
    response = viewer("GET", "/sweeps", headers={"Accept": PARQUET})
    assert_frame_equal(pq.read_table(io.BytesIO(response.content)).to_pandas(), Results(store).sweeps())
    assert viewer("GET", "/sweeps", headers={"Accept": CSV}).text.startswith("sweep,state,")


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", JSON),
        ("", JSON),
        ("text/*", CSV),
        ("application/*;q=0.1, text/csv", CSV),
        ("text/html, application/json;q=0.9", JSON),
        (f"{JSON};q=0.5, {ARROW}", ARROW),
        (f"{JSON};q=0, */*;q=0.1", CSV),
    ],
)
def test_the_best_form_is_chosen(viewer: Person, accept: str, form: str) -> None:
    response = viewer("GET", "/sweeps/toy/trials", headers={"Accept": accept})
    assert response.headers["content-type"].split(";")[0] == form


@pytest.mark.parametrize("path", ["/sweeps", "/sweeps/toy/trials", "/sweeps/toy/history"])
@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "application/json;q=much"])
def test_what_is_offered_is_named(viewer: Person, path: str, accept: str) -> None:
    response = viewer("GET", path, headers={"Accept": accept})
    assert response.status_code == 406
    assert all(form in response.json()["cure"] for form in OFFERED)
