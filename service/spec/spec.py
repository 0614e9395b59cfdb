"""`Spec` and `load`: the description of a sweep (Ray Tune: ``param_space``, ``TuneConfig``, ``RunConfig`` in one)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator

from service.spec.advice import advice, assumed
from service.spec.checks import check
from service.spec.errors import SpecError, UserError, Violation
from service.spec.models import (
    AUTO,
    Budget,
    Checkpoints,
    Failures,
    HangTimeout,
    Metric,
    Planned,
    Resources,
    Rounds,
    Schedule,
    Search,
    Section,
    StageSpec,
    SweepName,
    TaskFacts,
    TaskName,
)
from service.spec.space.space import Space
from service.spec.stage_plan.auto_stages import Load
from service.spec.stage_plan.planning import made, unplanned
from service.spec.stage_plan.steps import DEFAULT, StageSteps, batches, shares, stage_steps
from service.spec.violations import violations
from service.spec.yaml_file.document import Document, read_file, write
from trainables.stages import Plan

Logger = Literal["tensorboard", "csv", "json", "mlflow", "wandb"]


class Spec(Section):
    """A sweep as a frozen, validated object. Make it with `load` or by keywords; both report all violations at once.

    ================ ============================= ==================================================================
    key              default                       meaning
    ================ ============================= ==================================================================
    ``name``         required                      name of the sweep, unique in its store
    ``task``         required                      ``module:Name`` of the task class or training function
    ``metric``       required                      ``{name, goal: maximize or minimize, target: None}``
    ``parameters``   required                      search space and constants, kept in YAML form; parsed: `space`
    ``stages``       auto, 10 epochs               ``[{data, epochs, classes: None, start: continue}]``; see `plan`;
                                                   or auto, or ``{epochs}`` of a full training: see `planned`
    ``transfer``     none                          ``{batch_size: 0.5}``: a stage trains with its value times
                                                   its data to that power; see `trainables.transfer`
    ``data_dir``     None: ``SIEVE_DATA``          folder of the data; relative to the folder of the task's code
    ``search``       auto, 32 trials, seed 0       searcher (auto: bayesopt); see `models.Search`
    ``schedule``     promote, reduction_factor 4   scheduler (pruner); see `models.Schedule`
    ``rounds``       1                             rounds of narrowing the space; see `models.Rounds`
    ``resources``    1 CPU, 0 GPUs per trial       see `models.Resources`
    ``budget``       no limit                      trials, time (s), gpu_hours, epochs; see `models.Budget`
    ``retries``      2                             further attempts at a trial that failed
    ``hang_timeout`` auto: many epochs             seconds that a trial may be silent; None: for ever
    ``failures``     pause after 5, avoid after 3  see `models.Failures`
    ``checkpoints``  best                          which are kept: best, finished or all
    ``priority``     0, of -100 to 100             on a shared cluster higher ones come first
    ``weight``       1.0, above 0                  share of the cluster among sweeps of one priority
    ``loggers``      none                          Ray Tune's: tensorboard, csv, json, mlflow, wandb
    ``planned``      None: stages were given       what Sieve made the plan for; it writes that itself
    ``facts``        None: not known               the task's numbers of examples; submission writes them
    ================ ============================= ==================================================================

    >>> from service.spec import Spec
    >>> spec = Spec(
    ...     name="moons",
    ...     task="moons:Moons",
    ...     metric={"name": "val_accuracy", "goal": "maximize"},
    ...     parameters={"lr": {"loguniform": [1e-3, 1.0]}, "hidden": 32},
    ...     stages=[{"data": 0.25, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    ... )
    >>> spec.search.trials, spec.schedule.algorithm, spec.plan.total
    (32, 'promote', 4.25)
    >>> spec.space.from_unit([0.5])
    {'lr': 0.0316227766017, 'hidden': 32}

    Raises:
        SpecError: with every violation, on construction.
    """

    name: Annotated[SweepName, Field(description="name of the sweep, unique in its store")]
    task: Annotated[TaskName, Field(description="module:Name of the task class or training function")]
    metric: Metric
    parameters: Annotated[dict[str, Any], Field(description="the search space and constants")]
    stages: Annotated[tuple[StageSpec, ...], Field(strict=False, description="coarse to fine")] = ()
    transfer: Annotated[
        dict[str, Annotated[float, Field(ge=-2, le=2)]], Field(description="exponents of a stage's data, by parameter")
    ] = Field(default_factory=dict)
    data_dir: Annotated[str | None, Field(min_length=1, description="folder of the data; null: SIEVE_DATA")] = None
    search: Search = Field(default_factory=Search)
    schedule: Schedule = Field(default_factory=Schedule)
    rounds: Rounds = Field(default_factory=Rounds)
    resources: Resources = Field(default_factory=Resources)
    budget: Budget = Field(default_factory=Budget)
    retries: Annotated[int, Field(ge=0, description="further attempts at a failed trial")] = 2
    hang_timeout: HangTimeout = AUTO
    failures: Failures = Field(default_factory=Failures)
    checkpoints: Checkpoints = Field(default_factory=Checkpoints)
    priority: Annotated[int, Field(ge=-100, le=100, description="higher ones come first on a shared cluster")] = 0
    weight: Annotated[float, Field(gt=0, le=1000, description="share among sweeps of one priority")] = 1.0
    loggers: Annotated[tuple[Logger, ...], Field(strict=False, description="Tune's own loggers")] = ()
    planned: Annotated[Planned | None, Field(description="what stages were made for; written by Sieve")] = None
    facts: Annotated[TaskFacts | None, Field(description="the task's examples; written by Sieve")] = None

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, data: Any, handler: ModelWrapValidatorHandler[Spec]) -> Spec:
        if not isinstance(data, Mapping):
            return handler(data)
        faults: list[Violation] = []
        space, fields = None, dict(data)
        if "parameters" in fields:
            try:
                space = Space.parse(fields["parameters"])
                fields["parameters"] = space.raw()
            except SpecError as error:
                faults += error.violations
                fields["parameters"] = {}
        faults += unplanned(fields) or check(fields, space)
        try:
            spec = handler(fields)
        except ValidationError as error:
            raise SpecError([*violations(error, cls), *faults]) from None
        if faults:
            raise SpecError(faults)
        return spec

    @cached_property
    def space(self) -> Space:
        """The parsed ``parameters``."""
        return Space.parse(self.parameters)

    @cached_property
    def plan(self) -> Plan:
        """The ``stages`` as a `trainables.stages.Plan`."""
        return self.plans[0]

    @cached_property
    def plans(self) -> tuple[Plan, ...]:
        """The plan of the first round, then the ``rounds.stages`` of later ones; `plan_number` says which has which."""
        exponents = tuple(self.transfer.items())
        every = (self.stages, *self.rounds.stages)
        return tuple(Plan(tuple(stage.stage for stage in stages), transfer=exponents) for stages in every)

    @cached_property
    def steps(self) -> tuple[StageSteps, ...]:
        """Optimizer steps by the end of each stage of `plan`; empty where the ``facts`` of the task are not known."""
        sizes = batches(self.space)
        if self.facts is None or sizes is None:
            return ()
        return tuple(stage_steps(self.plan, shares(self.plan, self.facts.examples), sizes))

    def fitted(self, facts: TaskFacts | None) -> Spec:
        """This spec with the ``facts`` of its task, by which its plan is made anew if Sieve made it; at most once."""
        if facts is None or self.facts is not None:
            return self
        raw = self.to_dict() | {"facts": facts.model_dump()}
        if self.planned is not None:
            sizes = batches(self.space)
            load_ = Load(facts.examples, facts.validation, sizes.median if sizes else DEFAULT)
            raw["stages"] = made(self.planned.epochs, raw, load_)
        return load(raw)

    def plan_number(self, round: int) -> int:
        """The index in `plans` of the plan of a round (from 0). Values of different plans are never compared."""
        return min(round, len(self.rounds.stages))

    def target_stage(self, round: int) -> int | None:
        """The stage whose reports the metric's target is held against; None in a round with other stages than the last.

        Only the last stage counts, and where rounds have stages of their own, that of the last round's.
        """
        plan = self.plan_number(round)
        return self.plans[plan].last if plan == self.plan_number(self.rounds.count - 1) else None

    def resources_at(self, stage: int) -> Resources:
        """What a trial occupies while it trains ``stage`` (from 0): the same at every stage so far.

        Whoever makes room for a trial asks here; of `resources` itself only ``max_concurrent`` is the whole sweep's.
        """
        return self.resources

    def trials_of(self, round: int) -> int | None:
        """The number of trials of a round (from 0); None for all points of a grid."""
        return self.search.trials if round == 0 else self.rounds.trials or self.search.trials

    def at(self, round: int) -> Spec:
        """This spec for one round (from 0) alone: with the stages and the number of trials of that round.

        ``search.initial`` and ``search.warm_start`` are those of the first round and empty in later ones."""
        if self.rounds.count == 1 and round == 0:
            return self
        raw = self.to_dict()
        raw["stages"] = [raw["stages"], *raw["rounds"].pop("stages")][self.plan_number(round)]
        raw["search"]["trials"] = self.trials_of(round)
        if round:
            raw["search"] |= {"initial": [], "warm_start": []}
        return load(raw | {"rounds": {}})

    def warnings(self) -> list[str]:
        """Sentences on what is allowed but probably a mistake, each with the cure; empty if there is nothing."""
        longest = max(len(plan) for plan in self.plans)
        return [*advice(self.space, self.rounds, self.schedule, longest), *assumed(self.planned)]

    def to_dict(self) -> dict[str, Any]:
        """The whole spec, defaults included, as plain JSON data; `load` makes an equal spec of it."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """The spec as YAML, defaults left out; `load` makes an equal spec of it."""
        return write(self.model_dump(mode="json", exclude_defaults=True))


Source = str | Path | Mapping[str, Any] | Spec
"""The argument of `load`: a path, a mapping or a `Spec`."""


def load(source: Source) -> Spec:
    """The `Spec` in ``source``: the path of a YAML file, a mapping (which may hold Ray Tune domains), or a `Spec`.

    >>> from ray import tune
    >>> from service.spec import load
    >>> raw = {
    ...     "name": "moons",
    ...     "task": "moons:Moons",
    ...     "metric": {"name": "val_accuracy", "goal": "maximize"},
    ...     "parameters": {"lr": tune.loguniform(1e-3, 1.0), "hidden": {"choice": [8, 32]}},
    ...     "stages": [{"data": 0.25, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    ... }
    >>> load(raw).parameters
    {'lr': {'loguniform': [0.001, 1.0]}, 'hidden': {'choice': [8, 32]}}
    >>> load(raw | {"metric": {"name": "val_accuracy", "goal": "max"}})
    Traceback (most recent call last):
    ...
    service.spec.errors.SpecError: metric/goal: is 'max' (did you mean 'maximize'?); allowed: maximize, minimize

    Raises:
        SpecError: the spec breaks rules; ``violations`` holds all of them, each with its line where a file was read.
        UserError: there is no readable file of that name, or ``source`` is of another type.
    """
    if isinstance(source, Spec):
        return source
    if isinstance(source, Mapping):
        return Spec.model_validate(source)
    if isinstance(source, (str, Path)):
        return _from_document(read_file(Path(source)))
    raise UserError(
        f"cannot read a spec from {source!r} of type {type(source).__name__}",
        "give the path of a YAML file, a mapping or a Spec",
    )


def _from_document(document: Document) -> Spec:
    faults = list(document.faults)
    spec = None
    if isinstance(document.data, Mapping):
        try:
            spec = Spec.model_validate(document.data)
        except SpecError as error:
            faults += [_with_line(violation, document) for violation in error.violations]
    else:
        message = "is empty" if document.data is None else f"holds {document.data!r}"
        faults.append(
            Violation("", document.line(""), f"{message}; write a mapping that begins with e.g. name: digits")
        )
    if spec is None or faults:
        raise SpecError(sorted(faults, key=lambda fault: fault.line or 0), document.source)
    return spec


def _with_line(violation: Violation, document: Document) -> Violation:
    return replace(violation, line=document.line(violation.where))
