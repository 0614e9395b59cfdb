"""Stopping of a whole sweep (Ray Tune: ``Stopper.stop_all``): budget and target, and how it has ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.spec import Spec
from service.states import SweepState, TrialState


@dataclass(frozen=True)
class Reached:
    """The report by which a trial reached the target: its ``value``, after so many ``epochs`` of the last stage."""

    value: float
    epochs: int
    stage_end: bool


@dataclass(frozen=True)
class Usage:
    """What a sweep has used so far.

    ``seconds`` of wall time over all its heads, ``epochs`` in full-data epoch equivalents, ``gpu_seconds`` of training
    summed over all trials; ``reached`` has the trials that reached the target, by number.
    """

    seconds: float
    epochs: float
    reached: Mapping[int, Reached]
    gpu_seconds: float = 0.0


@dataclass(frozen=True)
class Left:
    """What is left of a sweep's budget: ``seconds`` of wall time, and work in full-data ``epochs``."""

    seconds: float = math.inf
    epochs: float = math.inf


UNLIMITED = Left()


@dataclass(frozen=True)
class Ending:
    """The end of a sweep: its final sweep state and why."""

    state: SweepState
    why: str


def outcome(spec: Spec, states: Sequence[TrialState], error: str) -> Ending:
    """The end of a sweep whose search is over, by the states of its trials; ``error`` is that of the last failure."""
    if states and all(state == "FAILED" for state in states):
        return Ending("FAILED", f"all {len(states)} trials failed, the last with: {error}")
    why = f"{len(states)} trials, {states.count('FINISHED')} climbed every stage"
    wanted = max_trials(spec)
    if wanted is not None and len(states) < wanted and spec.rounds.count == 1:
        why += "; the search has no other config to try"
    return Ending("SUCCEEDED", why)


def max_trials(spec: Spec) -> int | None:
    """The most trials that the sweep may have; None for all points of a grid."""
    limits = [n for n in (spec.search.trials, spec.budget.trials) if n is not None]
    return min(limits, default=None)


def left(spec: Spec, usage: Usage) -> Left:
    """What the budget leaves; GPU hours are taken to buy as much work as they did so far."""
    budget = spec.budget
    seconds = math.inf if budget.time is None else budget.time - usage.seconds
    epochs = math.inf if budget.epochs is None else budget.epochs - usage.epochs
    if budget.gpu_hours is not None and usage.gpu_seconds > 0:
        epochs = min(epochs, (budget.gpu_hours * 3600 / usage.gpu_seconds - 1.0) * usage.epochs)
    return Left(seconds, epochs)


def ending(spec: Spec, usage: Usage) -> Ending | None:
    """The end of the sweep if its target is reached at the last stage or its budget used up, else None."""
    for trial, by in usage.reached.items():
        when = "at the end of the last stage" if by.stage_end else f"after {_epochs(by.epochs)} of the last stage"
        has = f"trial {trial} has {spec.metric.name} {by.value:.6g} {when}"
        return Ending("SUCCEEDED", f"target {spec.metric.target:g} reached: {has}")
    used = (
        ("epochs", usage.epochs, "full-data epochs"),
        ("gpu_hours", usage.gpu_seconds / 3600, "GPU hours"),
        ("time", usage.seconds, "seconds"),
    )
    for key, amount, unit in used:
        limit = getattr(spec.budget, key)
        if limit is not None and amount >= limit:
            why = f"budget used: {amount:.6g} of {limit:g} {unit}; with a larger budget.{key} in its file it goes on"
            return Ending("STOPPED", why)
    return None


def _epochs(count: int) -> str:
    return f"{count} epoch" if count == 1 else f"{count} epochs"
