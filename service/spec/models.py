"""The sections of a spec as frozen pydantic models: types, defaults, units. Rules between sections are in `checks`."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from service.spec.duration import PATTERN, seconds
from service.spec.errors import nearest
from service.spec.flat import flatten
from service.spec.size import LEAST, size
from service.spec.size import PATTERN as SIZE
from service.spec.values import plain
from trainables.stages import Stage, Start

NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"
TASK = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"

#: Built-in searchers; ``auto`` is bayesopt, the best one in ``scripts/bench_search.py``.
ALGORITHMS = ("auto", "bayesopt", "hyperopt", "random", "sobol", "grid")

#: ``resources.gpu``: the fraction of a GPU that a trial is measured to need.
AUTO: Literal["auto"] = "auto"

#: Default of ``search.trials``, except for a grid.
DEFAULT_TRIALS = 32


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text):
        raise ValueError(
            f"is {text!r}; a name has 1 to 63 lower-case letters, digits, dots, underscores and hyphens and begins "
            "with a letter or digit, e.g. digits-mlp"
        )
    return text


def _task(text: str) -> str:
    if not re.fullmatch(TASK, text):
        raise ValueError(f"is {text!r}; write module:Name, e.g. my_tasks:Digits for class Digits in my_tasks.py")
    return text


def _partial(config: Any) -> Any:
    return flatten({key: plain(value) for key, value in config.items()}) if isinstance(config, Mapping) else config


def _gpus(gpu: Any) -> Any:
    if gpu == AUTO:
        return gpu
    if isinstance(gpu, bool) or not isinstance(gpu, (int, float)):
        raise ValueError(f"is {gpu!r}{nearest(str(gpu), [AUTO])}; use a number of GPUs, a fraction of one, or {AUTO}")
    if not (0 <= gpu < math.inf):
        raise ValueError(f"is {gpu:g}; use 0, a fraction of one GPU, a whole number of them, or {AUTO}")
    if gpu > 1 and gpu != int(gpu):
        raise ValueError(f"is {gpu:g}; only a single GPU is shared in fractions: use {math.ceil(gpu)} or at most 1")
    return gpu


def _patience(value: Any) -> Any:
    if value is None or value == AUTO:
        return value
    try:
        return seconds(value)
    except ValueError:
        cure = f"write a time above zero such as 30m or 2h, {AUTO}, or null for none"
        raise ValueError(f"is {value!r}{nearest(str(value), [AUTO])}; {cure}") from None


def _algorithm(name: str) -> str:
    if name not in ALGORITHMS and not re.fullmatch(TASK, name):
        raise ValueError(
            f"is {name!r}{nearest(name, ALGORITHMS)}; allowed: {', '.join(ALGORITHMS)}, or module:Class for a Ray Tune "
            "Searcher of your own"
        )
    return name


SweepName = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": "string", "pattern": NAME})]
TaskName = Annotated[str, AfterValidator(_task), WithJsonSchema({"type": "string", "pattern": TASK})]
Algorithm = Annotated[
    str,
    AfterValidator(_algorithm),
    WithJsonSchema({"anyOf": [{"enum": list(ALGORITHMS)}, {"type": "string", "pattern": TASK}]}),
]
Duration = Annotated[
    float,
    BeforeValidator(seconds),
    WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": PATTERN}]}),
]
Size = Annotated[
    int,
    BeforeValidator(size),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": LEAST}, {"type": "string", "pattern": SIZE}]}),
]
HangTimeout = Annotated[
    float | Literal["auto"] | None,
    BeforeValidator(_patience),
    Field(description="how long a trial may report nothing; auto: many epochs; null: for ever"),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0},
                {"type": "string", "pattern": PATTERN},
                {"enum": ["auto", None]},
            ]
        }
    ),
]
Gpus = Annotated[
    float | Literal["auto"],
    BeforeValidator(_gpus),
    Field(description="GPUs of a trial; a fraction shares one, auto finds the fraction"),
    WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"const": "auto"}]}),
]
PartialConfig = Annotated[dict[str, Any], BeforeValidator(_partial)]


class Section(BaseModel):
    """Base of all sections: frozen, unknown keys refused, no implicit conversion of types (pydantic's strict mode)."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Metric(Section):
    """The metric and its goal (Tune: ``mode``); the sweep ends once a trial reaches ``target`` at the last stage.

    ``target_at`` says by which reports there: by any (``report``), or by the one at its end alone (``stage_end``).
    """

    name: Annotated[str, Field(min_length=1, description="as the task reports it, e.g. val_accuracy")]
    goal: Literal["maximize", "minimize"]
    target: Annotated[float | None, Field(description="the sweep ends once it is reached at the last stage")] = None
    target_at: Annotated[
        Literal["report", "stage_end"],
        Field(description="what reaches it: any report of the last stage, or the one at its end alone"),
    ] = "report"

    def reached(self, value: float | None, stage_end: bool) -> bool:
        """Whether a report of the last stage reaches the target: ``value`` is its metric, NaN reaches nothing.

        >>> Metric(name="loss", goal="minimize", target=0.1).reached(0.09, stage_end=False)
        True
        >>> Metric(name="loss", goal="minimize", target=0.1, target_at="stage_end").reached(0.09, stage_end=False)
        False
        """
        if self.target is None or value is None or not math.isfinite(value):
            return False
        sign = 1.0 if self.goal == "maximize" else -1.0
        return (stage_end or self.target_at == "report") and sign * value >= sign * self.target


class StageSpec(Section):
    """One stage (level of fidelity): a fraction of the training data, and epochs; see `trainables.stages.Stage`."""

    data: Annotated[float, Field(description="fraction of the training data", json_schema_extra={"maximum": 1})]
    epochs: Annotated[int, Field(description="passes over it", json_schema_extra={"minimum": 1})]
    classes: Annotated[int | None, Field(description="number of classes used; null: all")] = None
    start: Annotated[Start, Field(description="weights of the stage before, or new ones")] = "continue"

    @property
    def stage(self) -> Stage:
        """The `trainables.stages.Stage`."""
        return Stage(self.data, self.epochs, self.classes, self.start)


class Planned(Section):
    """What a plan that Sieve made was made for: ``epochs`` of a full training, ``assumed`` where nobody said them."""

    epochs: Annotated[int, Field(ge=1)]
    assumed: bool = False


class TaskFacts(Section):
    """The numbers of examples of a task that Sieve's own loop trains, as they were at submission."""

    examples: Annotated[int, Field(ge=1, description="training examples")]
    validation: Annotated[int, Field(ge=1, description="validation examples")]


class Search(Section):
    """The searcher (Tune: ``search_alg``, ``num_samples``; Optuna: sampler).

    ``trials`` left out or null: 32, for a grid all its points. ``initial``: (partial) configs that are tried first
    (Tune: ``points_to_evaluate``), kept with flat names; missing parameters are drawn at random. ``warm_start``: names
    of sweeps to learn from.
    """

    algorithm: Algorithm = "auto"
    trials: Annotated[int | None, Field(ge=1, description="32 when left out; all points of a grid")] = None
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    initial: Annotated[tuple[PartialConfig, ...], Field(strict=False, description="configs tried first")] = ()
    warm_start: Annotated[tuple[SweepName, ...], Field(strict=False, description="past sweeps to learn from")] = ()

    @model_validator(mode="before")
    @classmethod
    def _default_trials(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("trials") is None and data.get("algorithm") != "grid":
            return {**data, "trials": DEFAULT_TRIALS}
        return data


class Schedule(Section):
    """The scheduler (Tune: ``scheduler``; Optuna: pruner); at each rung one trial in ``reduction_factor`` goes on."""

    algorithm: Literal["promote", "asha", "hyperband", "fifo"] = "promote"
    reduction_factor: Annotated[float, Field(ge=2)] = 4.0


class Rounds(Section):
    """Rounds of narrowing, ``count`` in all: after each one the space is narrowed around its good trials.

    ``keep`` is the fraction of a round's trials that counts as good. ``trials`` is the number in each round after the
    first, by default ``search.trials``. ``stages`` has a plan for each later round, of which the last holds for all
    further ones; by default the spec's own.
    """

    count: Annotated[int, Field(ge=1, le=1000, description="rounds in all; 1: the space is never narrowed")] = 1
    keep: Annotated[float, Field(gt=0, lt=1, description="fraction of a round's trials that counts as good")] = 0.25
    trials: Annotated[int | None, Field(ge=1, description="per later round; search.trials if left out")] = None
    stages: Annotated[
        tuple[Annotated[tuple[StageSpec, ...], Field(strict=False)], ...],
        Field(strict=False, description="a plan of stages for each later round; the last one stays"),
    ] = ()


class Resources(Section):
    """Resources of one trial, and how many trials run at once (``max_concurrent``; None: as many as fit).

    ``gpu`` is for the whole trial: below 1 a fraction of a GPU, ``auto`` the fraction that a trial is measured to need,
    above 1 whole GPUs with a process each (DDP). ``workers`` is the number of processes (None: `processes`), ``cpu``
    the cores of each, ``memory`` the bytes of main memory of each that Ray sets aside (None: it sets none aside); it is
    no limit that is enforced.
    """

    cpu: Annotated[float, Field(gt=0, description="CPU cores of each process of a trial")] = 1.0
    gpu: Gpus = 0.0
    workers: Annotated[int | None, Field(ge=1, description="processes of a trial; by default one for each GPU")] = None
    memory: Annotated[Size | None, Field(description="main memory of each process of a trial, e.g. 8GiB")] = None
    max_concurrent: Annotated[int | None, Field(ge=1)] = None

    @property
    def processes(self) -> int:
        """The number of processes of one trial: ``workers``, else one for each whole GPU."""
        return self.workers or (1 if self.gpu == AUTO else max(1, int(self.gpu)))


class Budget(Section):
    """Limits of the whole sweep (Tune: ``time_budget_s``, ``num_samples``), None for no limit.

    ``time`` in seconds, ``gpu_hours`` of training summed over all trials, ``epochs`` in full-data epoch equivalents.
    """

    trials: Annotated[int | None, Field(ge=1)] = None
    time: Annotated[Duration | None, Field(description="90s, 15m, 2h, 1d or seconds")] = None
    gpu_hours: Annotated[float | None, Field(gt=0, description="GPU hours of all trials")] = None
    epochs: Annotated[float | None, Field(gt=0, description="full-data epoch equivalents of all trials")] = None


class Failures(Section):
    """Circuit breakers: when failed trials pause the sweep or exclude a node; None for never.

    After ``pause_after`` different trials broke by the same error, and no trial got past it, the sweep pauses. After
    ``avoid_after`` different trials in a row broke on one node, by errors seen on no other, no trial is placed there
    any more. Failures that are retried count, too; diverged trials do not.
    """

    pause_after: Annotated[int | None, Field(ge=1, description="trials with one error; null: never")] = 5
    avoid_after: Annotated[int | None, Field(ge=1, description="trials in a row on one node; null: never")] = 3


class Checkpoints(Section):
    """Which checkpoints are kept after the sweep: of the best trial, of those that finished the last stage, or all."""

    keep: Literal["best", "finished", "all"] = "best"
