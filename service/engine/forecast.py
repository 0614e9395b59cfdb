"""What a sweep would do and cost, before it runs."""

from __future__ import annotations

from dataclasses import dataclass

from service.policy.limits import max_trials
from service.spec import Spec
from trainables.stages import Plan


@dataclass(frozen=True)
class Forecast:
    """Expected course of a sweep.

    ``reaching`` is the expected number of trials that begin each stage; budgets are in full-data epoch equivalents,
    ``full`` that of training every trial in full.
    """

    plan: Plan
    trials: int
    reaching: tuple[float, ...]
    expected: float
    full: float

    def lines(self) -> list[str]:
        """The forecast in words, a line for each stage and one for the whole."""
        stages = [
            f"stage {i}: {s.data:.4g} of the data{f', {s.classes} classes' if s.classes else ''}, {s.epochs} epochs"
            f"{' from scratch' if s.start == 'fresh' else ''}; about {self.reaching[i]:.4g} trials; "
            f"a rung at {self.plan.budget(i, s.epochs):.4g} full-data epochs"
            for i, s in enumerate(self.plan.stages)
        ]
        share = f"{100 * self.expected / self.full:.1f} %"
        whole = f"about {self.expected:.4g} of {self.full:.4g} full-data epochs that {self.trials} full trainings cost"
        return [*stages, f"expected budget: {whole} ({share})"]


def forecast(spec: Spec) -> Forecast:
    """Forecast the sweep of ``spec``.

    With asha one in ``reduction_factor`` trials goes on from each rung, which is the rate of synchronous halving; the
    asynchronous rule lets somewhat more through. A budget in epochs caps the sum.
    """
    trials = max_trials(spec) or len(spec.space.grid())
    factor = spec.schedule.reduction_factor if spec.schedule.algorithm == "asha" else 1.0
    reaching = tuple(max(trials / factor**i, min(1.0, trials)) for i in range(len(spec.plan)))
    expected = sum(n * stage.cost for n, stage in zip(reaching, spec.plan.stages, strict=True))
    if spec.budget.epochs is not None:
        expected = min(expected, spec.budget.epochs)
    return Forecast(spec.plan, trials, reaching, expected, trials * spec.plan.total)
