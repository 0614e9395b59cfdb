"""Diagnosis of a trial's learning curves in words: diverged, overfitting, underfitting, cut short, and what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TRAIN, VALIDATION = "train_loss", "val_loss"
SHORTEST = 3
"""Fewest reports that are diagnosed."""


def diagnose(history: Sequence[Mapping[str, float]]) -> str:
    """The diagnosis of one trial from its reports of one stage, oldest first; empty where nothing stands out.

    Reads `train_loss` and `val_loss`, which every task on Sieve's loop reports. The rules are those that practitioners
    apply to the two curves (Karpathy, A Recipe for Training Neural Networks, 2019): climbing means diverged; training
    down but validation up means overfitting; hardly down at all means underfitting; steeply down at the end means that
    the training was cut short.
    """
    train = [report[TRAIN] for report in history if TRAIN in report]
    validation = [report[VALIDATION] for report in history if VALIDATION in report]
    if len(train) < SHORTEST:
        return ""
    first, last = train[0], train[-1]
    if last > 1.1 * first > 0:
        return f"diverges: train_loss climbed from {first:.4g} to {last:.4g}; lower lr, warm up or set clip_norm"
    if len(validation) >= SHORTEST and validation[-1] > 1.1 * min(validation) > 0 and last < first:
        return (
            f"overfits: val_loss rose from {min(validation):.4g} to {validation[-1]:.4g} while train_loss fell to "
            f"{last:.4g}; more dropout, weight_decay or data, or a smaller model"
        )
    if last > 0.9 * first > 0:
        return (
            f"underfits: train_loss only went from {first:.4g} to {last:.4g}; raise lr, add capacity or regularize less"
        )
    if last < 0.9 * train[-2]:
        return f"still learns: train_loss fell from {train[-2]:.4g} to {last:.4g} in the last epoch; train longer"
    return ""
