"""What a sweep is to have: its number of trials over all rounds, and what full training of them costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from service.ledger.records import TrialRecord
from service.spec import Spec


@dataclass(frozen=True)
class PlannedWork:
    """The plan of a sweep beside what it has begun.

    ``trials`` are those it is to have, at least those it has. ``full`` is what full training of them costs, and
    ``full_begun`` that of those alone that have reported, both in full-data epoch equivalents.
    """

    trials: int
    full: float
    full_begun: float


def planned(spec: Spec, trials: Sequence[TrialRecord], begun: Collection[int], points: int) -> PlannedWork:
    """The plan of ``spec`` given its ``trials`` so far, of which the numbers in ``begun`` have reported.

    ``points`` is the size of its grid, for rounds whose number of trials is that of all points.

    Rounds that are over have the trials they had; the present one and later ones what the spec gives them, up to
    ``budget.trials``.
    """
    made = Counter(trial.round for trial in trials)
    newest = max(made, default=0)
    most = spec.budget.trials
    rounds: dict[int, int] = {round: made[round] for round in range(newest)}
    for round in range(newest, max(spec.rounds.count, newest + 1)):
        wanted = max(spec.trials_of(round) or points, made[round])
        room = wanted if most is None else max(made[round], most - sum(rounds.values()))
        rounds[round] = min(wanted, room)
    return PlannedWork(
        trials=sum(rounds.values()),
        full=sum(count * _cost(spec, round) for round, count in rounds.items()),
        full_begun=sum(_cost(spec, trial.round) for trial in trials if trial.number in begun),
    )


def _cost(spec: Spec, round: int) -> float:
    return spec.plans[spec.plan_number(round)].total
