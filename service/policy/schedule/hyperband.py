"""Scheduler (Optuna: ``HyperbandPruner``) of Hyperband, Li et al. 2017, by Ray Tune's ``HyperBandScheduler``."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from service.policy.limits import max_trials
from service.policy.schedule.bracket import Bracket
from service.policy.verdict import Ruling, Verdict
from service.policy.worth.worth_tracker import WorthTracker
from service.spec import Spec
from service.states import VerdictKind


class HyperbandScheduler:
    """Hyperband: trials are put into brackets by their numbers, and each bracket is halved synchronously.

    The first bracket is the largest and is halved at the end of every stage, the last one of an iteration not at all,
    as in Algorithm 1 of the paper; then comes another iteration of brackets. Trials wait until all of their bracket
    have reached the rung. A bracket that no further trial can join is halved with those that it has.
    """

    def __init__(self, spec: Spec, worths: WorthTracker) -> None:
        self._metric = spec.metric.name
        self._sign = 1.0 if spec.metric.goal == "maximize" else -1.0
        self._factor = spec.schedule.reduction_factor
        self._last = spec.plan.last
        self._limit = max_trials(spec)
        self._brackets: list[Bracket] = []
        self._number: dict[int, int] = {}

    def begin(self, trial: int) -> None:
        if not self._brackets or self._brackets[-1].full:
            halvings = self._last - len(self._brackets) % (self._last + 1)
            self._brackets.append(Bracket(halvings, self._last, self._factor))
        self._number[trial] = len(self._brackets) - 1
        self._brackets[-1].join(trial)
        if len(self._number) == self._limit:
            self._brackets[-1].close()

    def judge(self, trial: int, stage: int, value: float, seconds: float) -> Verdict:
        if trial not in self._number:
            self.begin(trial)
        bracket = self._bracket(trial)
        competes = bracket.competes(trial, stage)
        bracket.show(trial, stage, self._sign * value)
        if competes:
            halved = self._places(trial, stage) or f"which is halved when {bracket.expected} have come"
            return self._verdict("pause", f"waits after stage {stage}", (trial, stage), halved)
        halved = f"which is not halved before stage {bracket.first} ends"
        return self._verdict("continue", f"goes on after stage {stage}", (trial, stage), halved)

    def watch(self, trial: int, stage: int, done: int, value: float) -> Verdict | None:
        return None

    def promotion(self, draining: bool) -> Ruling | None:
        for bracket in self._brackets if draining else ():
            bracket.close()
        ready = [bracket.winners[0] for bracket in self._brackets if bracket.winners]
        if not ready:
            return None
        # The highest stage first, then the older bracket.
        trial, stage = max(ready, key=lambda entry: (entry[1], -self._number[entry[0]]))
        self.promoted(trial, stage)
        what = f"promoted from stage {stage}"
        return Ruling(trial, stage, self._verdict("promote", what, (trial, stage), self._places(trial, stage)))

    def best_waiting(self, stages: Collection[int], share: float) -> Ruling | None:
        """None: who goes on is known when a bracket is halved."""
        return None

    def paused(self, trial: int, stage: int) -> None:
        """Do nothing: every trial waits."""

    def promoted(self, trial: int, stage: int) -> None:
        self._bracket(trial).promoted(trial, stage)

    def dismissals(self, over: bool) -> Sequence[Ruling]:
        out = [entry for bracket in self._brackets for entry in (bracket.waiting() if over else bracket.losers)]
        for trial, _ in out:
            self.drop(trial)
        return [Ruling(*entry, self._dismissed(entry, over)) for entry in out]

    def skipped(self) -> tuple[int, ...]:
        return ()

    def drop(self, trial: int) -> None:
        if trial in self._number:
            self._bracket(trial).drop(trial)

    def _bracket(self, trial: int) -> Bracket:
        return self._brackets[self._number[trial]]

    def _dismissed(self, entry: tuple[int, int], over: bool) -> Verdict:
        why = "the sweep is over" if over else self._places(*entry)
        return self._verdict("stop", f"stopped after stage {entry[1]}", entry, why)

    def _places(self, trial: int, stage: int) -> str:
        places = self._bracket(trial).places(stage)
        return "" if places is None else f"the best {places} go on"

    def _verdict(self, kind: VerdictKind, what: str, entry: tuple[int, int], why: str) -> Verdict:
        trial, stage = entry
        score, rank, of = self._bracket(trial).place(trial, stage)
        number = self._number[trial] + 1
        numbers = {"value": self._sign * score, "rank": rank, "of": of, "bracket": number}
        place = f"{self._metric} {numbers['value']:.6g} is rank {rank} of {of} in bracket {number}"
        return Verdict(kind, f"{what}: {place}, {why}", numbers)
