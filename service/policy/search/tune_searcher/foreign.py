"""Search by a Ray Tune ``Searcher`` of the user's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from service.policy.observation import Observation
from service.policy.search import NotYet
from service.policy.search.random_draw import draw
from service.policy.search.tune_searcher.instance import Instance
from service.policy.search.tune_searcher.script import Step, completes, script
from service.policy.search.untried import Untried
from service.spec import Spec

ENDED = ("FINISHED", "STOPPED", "FAILED", "CANCELLED")


class ForeignSearcher:
    """Tells a Tune searcher what it would hear from Tune, and asks it for one suggestion per trial.

    A value at the end of a stage is a result of its trial; where the trial stops, finishes or waits, it is complete;
    one that failed is so by error. What a trial does after it has waited, and points that the user gave, the searcher
    hears only if it has ``add_evaluated_point``. An instance that has not heard just the history of the table is
    replaced by a new one that hears it all, so that a rebuilt searcher proposes what the old one would have. Should
    its suggestion for an old trial be another than that trial's config, the trial is told as failed.

    The first ``given`` trials are not its own. In place of a suggestion that another trial has, a new config near it is
    trained (`Untried`), and the searcher hears its value.

    Raises:
        UserError: ``kind`` is no searcher of Tune, or cannot be made.
    """

    _instance: Instance
    _proposed: int
    _values: list[Step]
    _open: dict[int, int]
    """Trials that it suggested and that are not complete, with the last stage whose end it has heard of."""

    def __init__(self, spec: Spec, kind: type, given: int = 0) -> None:
        self._spec = spec
        self._kind = kind
        self._given = given
        self._untried = Untried(spec.space, spec.search.seed)
        self._begin()

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        """As every searcher does.

        Raises:
            NotYet: it suggests nothing now.
            UserError: it fails, or suggests what the space does not hold.
        """
        trials = {o.trial: o for o in table}
        self._untried.update(table)
        if number <= self._given:  # One of the user's points that another trial has; its instances never hear of it.
            return self._untried.nearest(self._drawn(number), number)
        steps = script(number, table)
        if not self._has_seen(steps, trials):
            self._begin()
        values = [step for step in steps if step.stage is not None]
        new = {
            *values[len(self._values) :],
            *(Step(other) for other in range(self._proposed + 1, number) if other in trials),
        }
        for step in steps:
            if step in new:
                self._hear(step, trials)
        self._hear_ends(trials)
        suggestion = self._instance.suggest(number)
        if suggestion is None:
            raise NotYet
        if isinstance(suggestion, str):
            return None
        self._proposed = number
        self._open[number] = -1
        return self._untried.nearest(suggestion, number)

    def _drawn(self, number: int) -> Mapping[str, Any]:
        return self._spec.space.from_unit(draw(self._spec.space, self._spec.search.seed, number))

    def _begin(self) -> None:
        self._instance = Instance(self._spec, self._kind)
        self._proposed = 0
        self._values = []
        self._open = {}

    def _has_seen(self, steps: Sequence[Step], trials: Mapping[int, Observation]) -> bool:
        """Whether the instance knows the beginning of ``steps`` and nothing else."""
        values = [step for step in steps if step.stage is not None]
        known = self._open.keys() <= trials.keys() and self._proposed <= len(trials)
        return known and values[: len(self._values)] == self._values

    def _hear(self, step: Step, trials: Mapping[int, Observation]) -> None:
        observation = trials[step.trial]
        if step.stage is not None:
            self._values.append(step)
            self._hear_value(observation, step.stage)
            return
        self._proposed = step.trial
        if step.trial > self._given:
            self._hear_ends(trials)
            suggestion = self._instance.suggest(step.trial)
            if isinstance(suggestion, Mapping):
                if self._untried.nearest(suggestion, step.trial) == observation.config:
                    self._open[step.trial] = -1
                else:
                    self._instance.complete(step.trial, None, error=True)

    def _hear_value(self, observation: Observation, stage: int) -> None:
        trial, value, complete = observation.trial, observation.values[stage], completes(observation, stage)
        result = {self._spec.metric.name: value, "training_iteration": stage + 1, "done": complete}
        if trial not in self._open:
            if complete and math.isfinite(value):
                self._instance.point(observation.config, value)
        elif not complete:
            self._open[trial] = stage
            self._instance.result(trial, result)
        else:
            del self._open[trial]
            sound = math.isfinite(value)
            self._instance.complete(trial, result if sound else None, error=not sound)

    def _hear_ends(self, trials: Mapping[int, Observation]) -> None:
        """Trials that ended between the ends of two stages: they failed, or the sweep was over for a while."""
        for trial, stage in list(self._open.items()):
            observation = trials[trial]
            if observation.state in ENDED and observation.stage == stage:
                del self._open[trial]
                self._instance.complete(trial, None, error=observation.state == "FAILED")
