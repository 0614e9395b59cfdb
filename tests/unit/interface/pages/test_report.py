"""The report page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from service.interface.pages.report import curves, progress, write
from service.ledger import Store
from service.ledger.store.store import UnknownSweep
from service.spec import load
from tests.unit.interface.conftest import REPORTS, SPEC


def test_the_page_says_what_was_found(store: Store, home: Path) -> None:
    path = write(store, "toy", home)
    page = path.read_text()
    assert path == home / "reports" / "toy.html"
    for said in ("3 of 6", "25.6 %", "best after stage 1 (1 of the data)", "trial 1: train_accuracy", "loguniform"):
        assert said in page, said


def test_the_page_needs_nothing_else_and_escapes_what_people_wrote(store: Store, home: Path) -> None:
    page = write(store, "toy", home).read_text()
    assert "finished &lt;the last&gt; stage" in page
    assert not any(outside in page for outside in ("http:", "https:", "<script", "<link", "@import"))


def test_only_trials_of_the_last_rung_are_listed_as_best(store: Store, home: Path) -> None:
    page = write(store, "toy", home).read_text()
    best = page[page.index("Best trials") : page.index("<h2>Spec")]
    assert "finished &lt;the last&gt; stage" in best
    assert "stopped after stage 0" not in best
    assert "no trial has finished" not in best


def test_the_page_says_why_the_best_went_on_and_what_failed(store: Store, home: Path) -> None:
    page = write(store, "toy", home).read_text()
    assert "<dt>trial 1</dt><dd><span>goes on after stage 0: the first at this rung</span><span>finished" in page
    assert "loss is nan" in page[page.index("Failed trials") :]


def test_a_sweep_without_a_report_has_a_page(store: Store, home: Path) -> None:
    store.create("new", load(SPEC | {"name": "new"}).to_dict(), "/project", "ann", None)
    page = write(store, "new", home).read_text()
    assert "no trial has come to the end of a stage" in page
    assert page.count("nothing to draw yet") == 2


def test_an_unknown_sweep_is_refused(store: Store, home: Path) -> None:
    with pytest.raises(UnknownSweep, match="toi"):
        write(store, "toi", home)


def test_progress_keeps_rungs_apart() -> None:
    markup = progress(load(SPEC), REPORTS)
    assert "best after stage 0 (0.1 of the data)" in markup
    assert "best after stage 1 (1 of the data)" in markup


@pytest.mark.parametrize(
    ("metric", "drawn", "missing"),
    [("val_accuracy", "train_accuracy", "loss"), ("val_f1", "val_loss", "val_f1"), ("f1", "train_loss", "f1")],
)
def test_curves_pair_training_with_validation(metric: str, drawn: str, missing: str) -> None:
    spec = load(SPEC | {"metric": {"name": metric, "goal": "maximize"}})
    extra = {} if metric == "val_accuracy" else {"train_loss": 1.0, "val_loss": 2.0, metric: 0.5}
    markup = curves(spec, [replace(one, metrics=one.metrics | extra) for one in REPORTS], [1])
    assert f"trial 1: {drawn}" in markup
    assert missing not in markup
