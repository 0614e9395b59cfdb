"""One bracket of Hyperband: successive halving of a fixed set of trials (Ray Tune: ``_Bracket``)."""

from __future__ import annotations

from service.policy.schedule.halving import Halving


class Bracket:
    """Trials that are halved together, at the end of every stage from ``first`` on but the last.

    It takes trials until it is full or closed. A rung is halved once all trials that are still in the race have reached
    it (synchronous). Its state is a function of the events that it was given, in any order: trials that joined, their
    scores, promotions and drop-outs. Larger scores are better.
    """

    def __init__(self, halvings: int, last: int, factor: float) -> None:
        self.first = last - halvings
        self._last = last
        self._halving = Halving(halvings, last, factor)
        self._closed = False
        self._rung = self.first
        self._members: list[int] = []
        self._race: list[int] = []
        self._scores: list[dict[int, float]] = [{} for _ in range(last + 1)]
        self._promoted: set[tuple[int, int]] = set()
        self._out: set[int] = set()
        self._places: dict[int, int] = {}
        self.winners: list[tuple[int, int]] = []
        """(trial, stage) of waiting trials that may be promoted, best first."""
        self.losers: list[tuple[int, int]] = []
        """(trial, stage) of waiting trials that are to stop."""

    @property
    def full(self) -> bool:
        """Whether the bracket takes no more trials."""
        return self._closed or len(self._members) == self._halving.size

    @property
    def expected(self) -> int:
        """The number of trials that have to reach the present rung before it is halved."""
        return sum(trial not in self._out for trial in self._race) if self.full else self._halving.size

    def join(self, trial: int) -> None:
        """Add a trial, which begins now."""
        self._members.append(trial)
        self._race.append(trial)
        self._settle()

    def close(self) -> None:
        """Take no more trials, so that the bracket is halved with those it has."""
        self._closed = True
        self._settle()

    def show(self, trial: int, stage: int, score: float) -> None:
        """Record the score of a trial at the end of ``stage``."""
        self._scores[stage][trial] = score
        self._settle()

    def promoted(self, trial: int, stage: int) -> None:
        """Record that a trial was promoted from the rung at the end of ``stage``."""
        self._promoted.add((trial, stage))
        self._forget(trial)

    def drop(self, trial: int) -> None:
        """Record that a trial failed or was cancelled: the rung no longer waits for it."""
        self._out.add(trial)
        self._forget(trial)
        self._settle()

    def waiting(self) -> list[tuple[int, int]]:
        """(trial, stage) of all trials that wait at a rung, decided or not."""
        newest = {trial: stage for stage, scores in enumerate(self._scores) for trial in scores}
        return [
            (trial, stage)
            for trial, stage in newest.items()
            if self.first <= stage < self._last and (trial, stage) not in self._promoted and trial not in self._out
        ]

    def competes(self, trial: int, stage: int) -> bool:
        """Whether a trial that has ended ``stage`` waits at its rung: not if it has skipped a rung."""
        rungs = range(self.first, stage)
        return self.first <= stage < self._last and all(trial in self._scores[rung] for rung in rungs)

    def place(self, trial: int, stage: int) -> tuple[float, int, int]:
        """(score, rank from 1, number of trials so far) of a trial at the end of ``stage``."""
        scores = self._scores[stage]
        return scores[trial], sum(other > scores[trial] for other in scores.values()) + 1, len(scores)

    def places(self, stage: int) -> int | None:
        """How many trials are promoted from the end of ``stage``; None before the rung is halved."""
        return self._places.get(stage)

    def _settle(self) -> None:
        while self.full and self._rung < self._last and not any(map(self._is_awaited, self._race)):
            self._halve()

    def _is_awaited(self, trial: int) -> bool:
        """Whether the present rung waits for a trial: not if it has skipped the rung."""
        return trial not in self._out and not any(trial in scores for scores in self._scores[self._rung :])

    def _halve(self) -> None:
        stage, scores = self._rung, self._scores[self._rung]
        here = [t for t in self._race if t in scores and (t not in self._out or (t, stage) in self._promoted)]
        if stage == self.first and here:
            self._halving.begin(here, len(self._members))
        race, lost = self._halving.halve(stage, {t: scores[t] for t in here}) if here else ([], [])
        self._race = sorted(race, key=lambda t: (-scores[t], t))
        self._places[stage] = len(race)
        self._rung += 1
        self.winners += [(t, stage) for t in self._race if self._still_waits(t, stage)]
        self.losers += [(t, stage) for t in sorted(lost) if self._still_waits(t, stage)]

    def _still_waits(self, trial: int, stage: int) -> bool:
        return trial not in self._out and (trial, stage) not in self._promoted

    def _forget(self, trial: int) -> None:
        self.winners = [entry for entry in self.winners if entry[0] != trial]
        self.losers = [entry for entry in self.losers if entry[0] != trial]
