"""What is still to come of a sweep, and which of its budgets ends it: a pure function of its records."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.ledger.records import ReportRecord, TrialRecord
from service.spec import Spec
from service.spec.states import TRIAL_TRAINING


@dataclass(frozen=True)
class Limit:
    """A budget of the spec: its name there (time, gpu_hours, epochs), what is ``used`` of it, and ``limit``.

    Units are those of the spec: seconds, GPU hours, full-data epoch equivalents.
    """

    name: str
    used: float
    limit: float

    @property
    def left(self) -> float:
        """What is left of it."""
        return max(0.0, self.limit - self.used)


@dataclass(frozen=True)
class Rest:
    """What is expected to come: new trials, full-data epoch equivalents, seconds of the head, GPU hours of training.

    ``ends`` names the budget that ends the sweep before its trials do, None if they end first.
    """

    trials: int
    epochs: float
    seconds: float
    gpu_hours: float
    ends: str | None = None


def limits(spec: Spec, elapsed: float, gpu_seconds: float, epochs: float) -> tuple[Limit, ...]:
    """The budgets that the spec has, but for that of trials, with what is used of each."""
    used = {"time": elapsed, "gpu_hours": gpu_seconds / 3600, "epochs": epochs}
    given = ((name, amount, getattr(spec.budget, name)) for name, amount in used.items())
    return tuple(Limit(name, amount, limit) for name, amount, limit in given if limit is not None)


def rest(
    trials: Sequence[TrialRecord],
    newest: Mapping[int, ReportRecord],
    planned: int,
    elapsed: float,
    limits: Sequence[Limit],
) -> Rest | None:
    """What is to come: trials will cost what those that ended did, at the pace so far, until a budget is used up.

    Whoever waits at a rung counts as ended there: most get no further. ``newest`` is the newest report of each trial,
    ``planned`` the number of trials there are to be, ``elapsed`` the seconds gone. None while nothing can be said.
    """
    spent = {trial.number: newest[trial.number].budget for trial in trials if trial.number in newest}
    gone = {trial.number for trial in trials if trial.state not in TRIAL_TRAINING}
    costs = [budget for number, budget in spent.items() if number in gone]
    used = sum(spent.values())
    if not costs or not used or not elapsed:
        return None
    expected = sum(costs) / len(costs)
    coming = planned - len(gone | spent.keys())
    work = coming * expected
    work += sum(max(0.0, expected - budget) for number, budget in spent.items() if number not in gone)
    hours = sum(trial.gpu_seconds for trial in trials) / 3600
    needs = {"time": work * elapsed / used, "gpu_hours": work * hours / used, "epochs": work}
    shares = {one.name: one.left / needs[one.name] for one in limits if needs[one.name] > one.left}
    first = min(shares, key=lambda name: shares[name], default=None)
    share = 1.0 if first is None else shares[first]
    return Rest(
        trials=math.ceil(share * coming),
        epochs=share * work,
        seconds=share * needs["time"],
        gpu_hours=share * needs["gpu_hours"],
        ends=first,
    )
