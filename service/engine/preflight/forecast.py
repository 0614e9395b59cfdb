"""The forecast of a sweep: its trials, its work and its cost, before it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from service.engine.simulation.typical import climb
from service.spec import Spec
from service.spec.stage_plan.planning import made_by
from service.spec.stage_plan.steps import StageSteps
from trainables.stages import Plan


@dataclass(frozen=True)
class Forecast:
    """Expected course of one round of a sweep.

    ``reaching`` is the expected number of trials that begin each stage, ``trained`` that of whole stages which are
    trained, as some trials stop within one; budgets are in full-data epoch equivalents, ``full`` that of training every
    trial in full.
    """

    plan: Plan
    trials: int
    reaching: tuple[float, ...]
    trained: tuple[float, ...]

    @property
    def expected(self) -> float:
        """The budget that the round would use."""
        return sum(n * stage.cost for n, stage in zip(self.trained, self.plan.stages, strict=True))

    @property
    def full(self) -> float:
        """The budget of training every trial in full."""
        return self.trials * self.plan.total

    def lines(self, steps: Sequence[StageSteps] = ()) -> list[str]:
        """A line for each stage, with its optimizer ``steps`` where they are known."""
        return [
            f"stage {i}: {s.data:.4g} of the data{f', {s.classes} classes' if s.classes else ''}, {s.epochs} epochs"
            f"{' from scratch' if s.start == 'fresh' else ''}; about {self.reaching[i]:.2g} trials; "
            f"{_steps(steps[i]) if steps else ''}"
            f"a rung at {self.plan.budget(i, s.epochs):.4g} full-data epochs"
            for i, s in enumerate(self.plan.stages)
        ]


def forecast(spec: Spec) -> list[Forecast]:
    """Forecast each round of the sweep of ``spec``.

    It is the mean of a few simulations of the sweep's stages and scheduler, with values that agree from stage to stage
    as those of most tasks do. A later round of a grid is taken to be as large as the first.
    """
    return list(_rounds(spec))


def lines(spec: Spec, steps: Sequence[StageSteps] = ()) -> list[str]:
    """The forecast in words: a line for each stage of each round, and one for the whole; see `forecast`.

    A budget in epochs caps the sum. ``steps`` are the optimizer steps of the stages of the first plan, if known.
    """
    rounds = forecast(spec)
    words = [f"{made_by(spec.planned, spec.search, spec.facts)}:"] if spec.planned is not None else []
    for number, one in enumerate(rounds):
        if len(rounds) > 1:
            words.append(f"round {number}{', over the space as narrowed by then' if number else ''}:")
        words += [
            f"  {line}" if len(rounds) > 1 else line for line in one.lines(steps if one.plan == spec.plan else ())
        ]
    full, trials = sum(one.full for one in rounds), sum(one.trials for one in rounds)
    expected = min(sum(one.expected for one in rounds), spec.budget.epochs or full)
    whole = f"about {expected:.4g} of {full:.4g} full-data epochs that {trials} full trainings cost"
    return [*words, f"expected budget: {whole} ({100 * expected / full:.1f} %)"]


def _steps(found: StageSteps) -> str:
    between = f", {found.fewest} to {found.most}" if found.fewest < found.most else ""
    return f"{found.median} optimizer steps by its end{between}; "


REPORT = 0.05
"""Seconds that Ray Tune and the checkpoint take for each epoch's report."""


@dataclass(frozen=True)
class Cost:
    """The cost of a sweep in seconds (one trial after another) and full-data epochs, beside training all in full."""

    seconds: float
    epochs: float
    full_seconds: float
    full_epochs: float


def cost(spec: Spec, seconds: Sequence[Sequence[float]]) -> Cost:
    """The cost of the sweep where the stages of each of ``spec.plans`` take so many ``seconds`` of training.

    Trials are those of `forecast`. A budget in epochs caps what the sweep takes.
    """
    whole = [
        [one + REPORT * stage.epochs for one, stage in zip(stages, plan.stages, strict=True)]
        for stages, plan in zip(seconds, spec.plans, strict=True)
    ]
    rounds = [(one, whole[spec.plan_number(number)]) for number, one in enumerate(forecast(spec))]
    full_epochs = sum(one.full for one, _ in rounds)
    epochs = sum(one.expected for one, _ in rounds)
    share = min(1.0, (spec.budget.epochs or epochs) / epochs)
    return Cost(
        seconds=share * sum(n * s for one, stages in rounds for n, s in zip(one.trained, stages, strict=True)),
        epochs=share * epochs,
        full_seconds=sum(one.trials * sum(stages) for one, stages in rounds),
        full_epochs=full_epochs,
    )


def _rounds(spec: Spec) -> Iterator[Forecast]:
    left = spec.budget.trials
    for number in range(spec.rounds.count):
        plan = spec.plans[spec.plan_number(number)]
        trials = spec.trials_of(number) or len(spec.space.grid())
        if left is not None:
            trials, left = min(trials, left), left - min(trials, left)
        if trials:
            climbed = climb(spec.at(number), trials)
            yield Forecast(plan, trials, climbed.reaching, climbed.trained)
