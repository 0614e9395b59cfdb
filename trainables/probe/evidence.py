"""What probes found, as plain data that any process can read without torch. Whether it is good is judged elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trainables.loop.assignment import Assignment
from trainables.stages import Plan

Repeatable = Literal["same", "other", "redrawn"]
"""Whether two calls of ``data()`` give the same; ``redrawn`` where not even one example does when it is read twice."""


def fall(before: float, after: float) -> float:
    """By how much a loss fell: as a share of where it began, of at most 1 where that is no distance from a floor of 0.

    A loss that begins at 0 or below (a dice score, a Gaussian's log-likelihood) has its floor elsewhere.
    """
    return (before - after) / max(abs(before) if before > 0 else min(1.0, abs(before)), 1e-12)


@dataclass(frozen=True)
class Corner:
    """A config to try: ``name`` says what is special about it, e.g. ``lr = 1``; ``config`` is nested."""

    name: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """What a probe is to look at.

    ``given`` is a trial as a worker gets it, of the config in the middle; ``plans`` are those of the sweep's rounds;
    ``corners`` begin with the config in the middle; ``seconds`` is about how long the probe may take, on ``cpus``. Of a
    trial of several ``processes`` a probe is one.
    """

    given: Assignment
    plans: tuple[Plan, ...]
    corners: tuple[Corner, ...]
    seconds: float = 20.0
    cpus: float = 1.0
    processes: int = 1


@dataclass(frozen=True)
class ArrayEvidence:
    """One array of the examples; ``odd`` counts its entries that are NaN or infinite."""

    dtype: str
    shape: tuple[int, ...]
    odd: int


@dataclass(frozen=True)
class StageEvidence:
    """Examples of a stage; ``missing`` are classes that it validates on, but does not train on.

    ``kept`` of the examples are the only one of a class that is too rare for the stage's fraction.
    """

    examples: int
    validation: int
    classes: int | None
    missing: tuple[int, ...]
    kept: int = 0


@dataclass(frozen=True)
class Neighbours:
    """How often an example has the class of its nearest training example, within training and from validation.

    ``chance`` is how often it would if labels were drawn anew; ``compared`` the validation examples, ``within`` the
    training examples. ``farther`` is how many times as far from it as training the validation examples are (medians).
    """

    train: float
    validation: float
    chance: float
    compared: int
    within: int
    farther: float = 1.0


@dataclass(frozen=True)
class DataEvidence:
    """The examples of a task.

    ``absent`` are classes without a validation example, ``unknown`` those without a training example, ``negative``
    counts integer labels below 0, but for those that torch's cross entropy ignores, which ``ignored`` counts;
    ``leaked`` of ``compared`` validation examples have the inputs of one of ``known`` training examples.
    """

    train: tuple[ArrayEvidence, ...]
    validation: tuple[ArrayEvidence, ...]
    classes: int | None
    absent: tuple[int, ...]
    unknown: tuple[int, ...]
    negative: int
    own_loss: bool
    stages: tuple[StageEvidence, ...]
    leaked: int
    compared: int
    known: int
    ignored: int = 0
    neighbours: Neighbours | None = None


@dataclass(frozen=True)
class FirstEvidence:
    """An untrained model on one batch.

    ``loss`` is None where it cannot be computed, ``reported`` empty where the metrics cannot, and ``error`` says why;
    ``variance`` is that of a real target, None for classes; ``reported`` are the names of the metrics, ``untrained``
    those of validation with their values, ``enough`` of how many examples they could be had.
    """

    loss: float | None
    classes: int | None
    variance: float | None
    own_loss: bool
    reported: tuple[str, ...]
    error: str | None = None
    untrained: Mapping[str, float] = field(default_factory=dict)
    enough: int = 0


@dataclass(frozen=True)
class LearningEvidence:
    """One batch, trained on again and again: the loss before and after ``steps``, by the optimizer ``by``.

    ``connected`` is whether the loss has a gradient with respect to any parameter; ``rate`` is in seconds per example.
    The other fields name parameters: ``frozen`` (requires_grad is off), ``silent`` (no gradient at all), ``unchanged``
    (never moved), ``broken`` (NaN or infinite gradients).
    """

    before: float
    after: float
    steps: int
    by: str
    connected: bool
    frozen: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    rate: float = 0.0


@dataclass(frozen=True)
class ProbeFailure:
    """Why a config cannot be trained: ``kind`` is one of `trainables.worker.outcome`, ``where`` what was looked at."""

    kind: str
    message: str
    where: str = "training"


@dataclass(frozen=True)
class CornerEvidence:
    """A corner that was built, or trained for some ``steps``.

    ``first`` and ``last`` are training losses, ``rate`` seconds per training example, ``value`` the sweep's metric.
    """

    name: str
    failure: ProbeFailure | None = None
    steps: int = 0
    first: float | None = None
    last: float | None = None
    rate: float | None = None
    value: float | None = None
    peak_bytes: int | None = None


@dataclass(frozen=True)
class Signal:
    """The sweep's metric after a short training, beside what it is with targets drawn anew (mean and deviation)."""

    train: float
    train_drawn: float
    train_spread: float
    validation: float
    validation_drawn: float
    validation_spread: float


@dataclass(frozen=True)
class RunsEvidence:
    """Two runs with one seed, and one that was resumed; differences are relative, None where there was no time.

    ``where`` names what differs most. ``changed`` names what a checkpoint does not bring back, ``resumed`` is how far
    the next epoch after it is from that of the uninterrupted run; ``seconds`` that of an epoch of the first stage.
    """

    metrics: Mapping[str, float]
    seconds: float
    apart: float | None = None
    where: str = ""
    changed: str | None = None
    resumed: float | None = None


@dataclass(frozen=True)
class CostEvidence:
    """``seconds`` of each stage of each plan (all its epochs), extrapolated; ``peak_bytes`` of the middle config."""

    seconds: tuple[tuple[float, ...], ...]
    peak_bytes: int
    device: str


@dataclass(frozen=True)
class Evidence:
    """All that a probe measured; what a kind of task does not have, or there was no time for, is None or empty.

    ``skipped`` names what there was no time for, ``untried`` what failed, with the error.
    """

    failure: ProbeFailure | None = None
    data: DataEvidence | None = None
    repeatable: Repeatable | None = None
    first: FirstEvidence | None = None
    learning: LearningEvidence | None = None
    corners: tuple[CornerEvidence, ...] = ()
    signal: Signal | None = None
    runs: RunsEvidence | None = None
    costs: CostEvidence | None = None
    skipped: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ramp:
    """Losses, as they were and smoothed, while the learning rate rose; ``late`` if the time was up before the end."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    late: bool = False


@dataclass(frozen=True)
class BatchEvidence:
    """A batch of ``size``: examples per second and the most bytes of memory, both None where it did not fit."""

    size: int
    rate: float | None
    peak_bytes: int | None
