"""Each rule on curves that show it, and on curves that almost do."""

from __future__ import annotations

import pytest

from service.policy.diagnosis import diagnose


def curves(train: list[float], validation: list[float] | None = None) -> list[dict[str, float]]:
    if validation is None:
        return [{"train_loss": t} for t in train]
    return [{"train_loss": t, "val_loss": v} for t, v in zip(train, validation, strict=True)]


@pytest.mark.parametrize(
    ("train", "validation", "says"),
    [
        ([1.0, 1.5, 2.0], None, "diverges: train_loss climbed from 1 to 2"),
        ([1.0, 0.5, 0.1], [1.0, 0.6, 0.9], "overfits: val_loss rose from 0.6 to 0.9"),
        ([2.3, 2.29, 2.28], [2.3, 2.3, 2.3], "underfits: train_loss only went from 2.3 to 2.28"),
        ([1.0, 1.5, 2.0], [1.0, 1.2, 1.5], "diverges: train_loss climbed from 1 to 2"),
        ([0.02, 0.03, 0.05], [0.2, 0.19, 0.2], "unsteady: train_loss rose from 0.02 to 0.05"),
        ([0.2, 0.21, 0.23], [0.3, 0.3, 0.3], "unsteady: train_loss rose from 0.2 to 0.23"),
        ([2.0, 1.5, 1.0], [2.0, 1.6, 1.2], "still learns: in the last epoch train_loss fell from 1.5 to 1"),
        ([2.0, 1.5, 1.0], [2.0, 1.6, 1.59], ""),
        ([2.0, 1.5, 1.0], None, ""),
        ([2.0, 0.5, 0.49], [2.0, 0.6, 0.6], ""),
        ([2.0, 4.0], None, ""),
        ([1.0, 1.05, 1.04], None, "underfits"),
    ],
)
def test_the_curves_speak(train: list[float], validation: list[float] | None, says: str) -> None:
    diagnosis = diagnose(curves(train, validation))
    assert diagnosis.startswith(says) if says else diagnosis == ""


def test_a_task_that_reports_no_losses_gets_no_diagnosis() -> None:
    assert diagnose([{"score": 0.1}, {"score": 0.2}, {"score": 0.3}]) == ""
