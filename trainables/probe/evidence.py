"""Evidence of the probes: what they measured, as plain data that is read without torch and judged by the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trainables.loop.assignment import Assignment
from trainables.stages import Plan

Repeatable = Literal["same", "other", "redrawn"]
"""Whether two calls of ``data()`` give the same examples; ``redrawn``: one example read twice differs already."""


def fall(before: float, after: float) -> float:
    """By how much a loss fell, as a fraction of where it began (``before``, if above 0).

    A loss that begins at or below 0, such as a dice score or a Gaussian's log-likelihood, has its minimum elsewhere
    than at 0: for it the scale is the distance from 0, at most 1.
    """
    return (before - after) / max(abs(before) if before > 0 else min(1.0, abs(before)), 1e-12)


@dataclass(frozen=True)
class Corner:
    """A config to try; ``name`` is what distinguishes it, e.g. ``lr = 1``; ``config`` is nested."""

    name: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Swept:
    """A parameter of the sweep, and a config for each of two or more of its values, which ``name`` that value."""

    name: str
    corners: tuple[Corner, ...]


@dataclass(frozen=True)
class Question:
    """The input of the probes.

    ``given`` is a trial as a worker gets it, with the config in the middle of the space; ``plans`` are those of the
    sweep's rounds; ``corners`` begin with the config in the middle, ``swept`` has each parameter's own; ``seconds`` is
    about how long the probes may take, on ``cpus``. Of a trial of several ``processes`` the probes are one process.
    """

    given: Assignment
    plans: tuple[Plan, ...]
    corners: tuple[Corner, ...]
    seconds: float = 20.0
    cpus: float = 1.0
    processes: int = 1
    swept: tuple[Swept, ...] = ()


@dataclass(frozen=True)
class ArrayEvidence:
    """One array of the examples; ``odd`` counts its entries that are NaN or infinite."""

    dtype: str
    shape: tuple[int, ...]
    odd: int


@dataclass(frozen=True)
class StageEvidence:
    """Numbers of examples of a stage; ``missing`` are classes that it validates on, but does not train on.

    ``kept`` of the examples are the only one of a class that is too rare for the stage's fraction.
    """

    examples: int
    validation: int
    classes: int | None
    missing: tuple[int, ...]
    kept: int = 0


@dataclass(frozen=True)
class Neighbours:
    """Accuracy of the nearest neighbour among training examples, of training and of validation examples.

    ``chance`` is that of shuffled labels; ``compared`` and ``within`` are the numbers of validation and training
    examples. ``farther`` is the ratio of the median distances to the neighbour, of validation to training examples.
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

    ``absent`` are classes without a validation example, ``unknown`` those without a training example; ``negative``
    counts integer labels below 0 except the ``ignore_index`` of torch's cross entropy, which ``ignored`` counts;
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

    ``loss`` is None if it cannot be computed, ``reported`` empty if the metrics cannot, and ``error`` says why;
    ``variance`` is that of a real target, None for classes; ``reported`` are the names of the metrics, ``untrained``
    the validation metrics with their values, ``enough`` the number of examples by which they could be computed.
    ``spread`` is torch's warning that the loss compares each prediction with all targets.
    """

    loss: float | None
    classes: int | None
    variance: float | None
    own_loss: bool
    reported: tuple[str, ...]
    error: str | None = None
    untrained: Mapping[str, float] = field(default_factory=dict)
    enough: int = 0
    spread: str | None = None


@dataclass(frozen=True)
class LearningEvidence:
    """Overfitting of one batch: the loss before and after ``steps``, with the optimizer ``by``.

    ``connected`` is whether the loss has a gradient with respect to any parameter; ``rate`` is in seconds per example.
    The other fields are names of parameters: ``frozen`` (no ``requires_grad``), ``silent`` (no gradient), ``unchanged``
    (a gradient, but the same value after training), ``broken`` (NaN or infinite gradients).
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
    """Why a config cannot be trained: ``kind`` is one of `trainables.worker.outcome`, ``where`` is the probe.

    ``cure`` is what the task's own check says, empty for what broke.
    """

    kind: str
    message: str
    cure: str = ""
    where: str = "training"

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}" if self.cure else self.message


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
class Reach:
    """The values of a parameter that train ``alike``, bit for bit, in groups, ``within`` so many steps.

    ``tried`` is how many values were trained.
    """

    name: str
    alike: tuple[tuple[str, ...], ...]
    tried: int
    within: str


@dataclass(frozen=True)
class Signal:
    """The sweep's metric after a short training, and with shuffled targets (mean ``drawn``, deviation ``spread``)."""

    train: float
    train_drawn: float
    train_spread: float
    validation: float
    validation_drawn: float
    validation_spread: float


@dataclass(frozen=True)
class RunsEvidence:
    """Two runs with one seed, and a resumed one; differences are relative, None if there was no time.

    ``apart`` is the largest difference of the two runs, of the metric ``where``. ``changed`` names a state that a
    checkpoint does not restore; ``resumed`` is the difference between the epoch after resuming and that of the
    uninterrupted run; ``seconds`` is the time of an epoch of the first stage.
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
    """All evidence; parts that a kind of task does not have, or that there was no time for, are None or empty.

    ``skipped`` names the probes that there was no time for, ``untried`` those that failed, with the error.
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
    reach: tuple[Reach, ...] = ()
    skipped: tuple[str, ...] = ()
    untried: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ramp:
    """The learning rate range test: losses, raw and smoothed, at rising ``rates``; ``late`` if time ran out before."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    late: bool = False


@dataclass(frozen=True)
class BatchEvidence:
    """A batch of ``size``: examples per second and peak memory in bytes, both None if it did not fit."""

    size: int
    rate: float | None
    peak_bytes: int | None
