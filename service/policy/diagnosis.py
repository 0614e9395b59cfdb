"""Diagnosis of a trial's learning curves in words: diverged, overfitting, underfitting, cut short, and what to try."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TRAIN, VALIDATION = "train_loss", "val_loss"
SHORTEST = 3
"""Fewest reports that are diagnosed."""


def diagnose(history: Sequence[Mapping[str, float]]) -> str:
    """The diagnosis of one trial from its reports of one stage, oldest first; empty where nothing stands out.

    Reads `train_loss` and `val_loss`, which every task on Sieve's loop reports. The rules are those that practitioners
    apply to the two curves (Karpathy, A Recipe for Training Neural Networks, 2019): both climbing, training at least
    twice as high, means diverged, and less than that unsteady; training down but validation up means overfitting;
    hardly down at all means underfitting; both steeply down at the end means that the training was cut short.
    """
    train = [report[TRAIN] for report in history if TRAIN in report]
    validation = [report[VALIDATION] for report in history if VALIDATION in report]
    if len(train) < SHORTEST:
        return ""
    first, last = train[0], train[-1]
    both = len(validation) == len(train)  # rules on both curves need both in full
    if last >= 2 * first > 0 and not (both and validation[-1] <= 1.1 * validation[0]):
        return f"diverges: train_loss climbed from {first:.4g} to {last:.4g}; lower lr, warm up or set clip_norm"
    if last > 1.1 * first > 0:
        return f"unsteady: train_loss rose from {first:.4g} to {last:.4g} in its stage; a lower lr may do better"
    if len(validation) >= SHORTEST and validation[-1] > 1.1 * min(validation) > 0 and last < first:
        return (
            f"overfits: val_loss rose from {min(validation):.4g} to {validation[-1]:.4g} while train_loss fell to "
            f"{last:.4g}; more dropout, weight_decay or data, or a smaller model"
        )
    if last > 0.9 * first > 0:
        return (
            f"underfits: train_loss only went from {first:.4g} to {last:.4g}; raise lr, add capacity or regularize less"
        )
    if both and last < 0.9 * train[-2] and validation[-1] < 0.95 * validation[-2]:
        return (
            f"still learns: in the last epoch train_loss fell from {train[-2]:.4g} to {last:.4g} and val_loss from "
            f"{validation[-2]:.4g} to {validation[-1]:.4g}; train longer"
        )
    return ""
