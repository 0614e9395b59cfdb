"""Metrics of the whole validation set: means over the examples that have them, and objects that are computed once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn
from torchmetrics import MeanSquaredError, MetricCollection
from torchmetrics.classification import BinaryAUROC

from tests.projects.toy import Blobs
from trainables.errors import TaskError
from trainables.loop.training import Training
from trainables.loop.validation import validated
from trainables.probe.learning import first_steps
from trainables.stages import Plan, Stage

MODEL = nn.Identity()
SCORES = torch.tensor([0.1, 0.4, 0.35, 0.8, 0.7, 0.2, 0.9])
TARGETS = torch.tensor([0, 0, 1, 1, 1, 0, 1])
BATCHES = [(SCORES[:4], TARGETS[:4]), (SCORES[4:5], TARGETS[4:5]), (SCORES[5:], TARGETS[5:])]


class Scored(Blobs):
    """Its metrics are what ``found`` makes of a batch."""

    def __init__(self, found: Any) -> None:
        self.found = found

    def metrics(self, model: nn.Module, batch: Any, config: Mapping[str, Any]) -> Any:
        return self.found(batch)


def of(found: Any, batches: Any = BATCHES) -> dict[str, float]:
    return validated(Scored(found), MODEL, batches, {})


def rare(batch: Any) -> dict[str, float]:
    """0.9 wherever both classes are in the batch, else nothing."""
    return {"size": float(len(batch[-1]))} | ({"auc": 0.9} if len(set(batch[-1].tolist())) == 2 else {})


def test_a_metric_is_the_mean_over_the_examples_of_the_batches_that_have_it() -> None:
    assert of(rare) == {"auc": pytest.approx(0.9), "size": pytest.approx((16 + 1 + 4) / 7)}
    shares = {4: 0.5, 2: 0.8}
    weighed = of(lambda batch: {"auc": shares[len(batch[-1])]} if len(batch[-1]) in shares else {})
    assert weighed == {"auc": pytest.approx((4 * 0.5 + 2 * 0.8) / 6)}


def test_trials_and_the_check_weigh_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Scored(lambda batch: {"auc": 0.9} if int(batch[-1].sum()) % 2 else {})
    for place in ("trainables.loop.training", "trainables.probe.learning.first_steps"):
        monkeypatch.setattr(f"{place}.VALIDATION_BATCH", 3)
    data = task.data().unpacked()
    training = Training(task, data, {}, Plan((Stage(1.0, 1),)), 0)
    assert training.run_epoch()["val_auc"] == pytest.approx(0.9)
    rows = data.validation_indices(Stage(1.0, 1), 0)
    assert first_steps.validated(task, MODEL, data.validation, rows, {}) == {"auc": pytest.approx(0.9)}


def test_an_object_is_updated_batch_by_batch_and_computed_once() -> None:
    auc = BinaryAUROC()

    def found(batch: Any) -> Any:
        auc.update(*batch)
        return {"auc": auc, "size": float(len(batch[-1]))}

    expected = float(BinaryAUROC()(SCORES, TARGETS))
    assert of(found) == {"auc": pytest.approx(expected), "size": pytest.approx(3)}
    assert of(found)["auc"] == pytest.approx(expected), "it begins anew with each validation"


def test_a_collection_has_names_of_its_own() -> None:
    several = MetricCollection({"auc": BinaryAUROC(), "mse": MeanSquaredError()})

    def found(batch: Any) -> Any:
        several.update(*batch)
        return several

    assert of(found) == {
        "auc": pytest.approx(float(BinaryAUROC()(SCORES, TARGETS))),
        "mse": pytest.approx(float(((SCORES - TARGETS) ** 2).mean())),
    }


def test_what_an_object_saw_before_the_validation_broke_is_forgotten() -> None:
    auc = BinaryAUROC()

    def breaks(batch: Any) -> Any:
        auc.update(1 - batch[0], batch[1])
        if len(batch[-1]) == 1:
            raise ZeroDivisionError
        return {"auc": auc}

    with pytest.raises(ZeroDivisionError):
        of(breaks)
    assert auc.update_count == 0


def fresh(batch: Any) -> Any:
    one = BinaryAUROC()
    one.update(*batch)
    return {"auc": one}


def nameless(batch: Any, one: Any = BinaryAUROC()) -> Any:  # noqa: B008
    one.update(*batch)
    return one


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (fresh, r"metrics\(\) returns another BinaryAUROC as auc for each batch; make it once, in __init__, update it"),
        (lambda batch: {"auc": BinaryAUROC()}, "auc is a BinaryAUROC that saw no example; update it with each batch"),
        (nameless, r"metrics\(\) returned a BinaryAUROC; return a mapping of names to numbers"),
        (lambda batch: None, r"metrics\(\) returned None; return a mapping of names to numbers, e.g. \{'accuracy'"),
        (lambda batch: (0.5, 0.1), r"metrics\(\) returned a tuple; return a mapping"),
        (lambda batch: {1: 0.5}, r"metrics\(\) names a metric 1, which is no text; write '1'"),
        (lambda batch: {"hit": torch.ones(3)}, r"the metric hit is a tensor of shape \(3,\); return one number, e.g."),
        (lambda batch: {"hit": [0.5, 1]}, r"the metric hit is \[0.5, 1\]; return one number"),
        (lambda batch: {"hit": None}, "the metric hit is None; return one number, .* or leave it out of this batch"),
        (lambda batch: {"hit": "0.5"}, "the metric hit is '0.5'; return one number"),
        (lambda batch: {"hit": 1 + 2j}, r"the metric hit is \(1\+2j\); return one number"),
    ],
)
def test_what_is_no_number_is_refused_with_its_name(found: Any, message: str) -> None:
    with pytest.raises(TaskError, match=message):
        of(found, BATCHES[:2])


def test_a_summary_is_checked_like_metrics() -> None:
    class Summed(Scored):
        def summary(self, means: Mapping[str, float], examples: int) -> Any:
            return self.found(examples)

        metrics = Blobs.metrics

    data = Blobs().data().unpacked()
    model = Blobs().model({}).eval()
    for found, message in (
        (lambda _: None, r"summary\(\) returned None; return a mapping"),
        (lambda _: {"f1": torch.ones(2)}, r"the metric f1 is a tensor of shape \(2,\)"),
        (lambda _: {2: 1.0}, r"summary\(\) names a metric 2, which is no text; write '2'"),
    ):
        with pytest.raises(TaskError, match=message), torch.no_grad():
            validated(Summed(found), model, [data.validation], {})
