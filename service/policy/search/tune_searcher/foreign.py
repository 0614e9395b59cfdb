"""Searcher that wraps the user's own Ray Tune ``Searcher``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from service.policy.observation import Observation
from service.policy.search import NotYet
from service.policy.search.tune_searcher.instance import Instance
from service.policy.search.tune_searcher.script import Step, completes, script
from service.spec import Spec
from service.spec.states import TRIAL_OVER


class ForeignSearcher:
    """Wrapper of a Tune ``Searcher``: one ``suggest`` per trial, and the callbacks that Tune would make.

    A value at the end of a stage is ``on_trial_result``; if the trial then stops, finishes or waits it is
    ``on_trial_complete``, with ``error=True`` for a failed trial. Values of a trial after it has waited, and of configs
    that the user gave, are passed only to a searcher with ``add_evaluated_point``.

    An instance whose history is not a prefix of the table's is replaced by a new one, to which the whole table is
    replayed, so that a rebuilt searcher proposes the same. If in the replay it suggests another config for a trial than
    the trial has, that trial is passed as failed.

    The first ``given`` trials are not suggested by it.

    Raises:
        UserError: ``kind`` is no Tune ``Searcher``, or its constructor fails.
    """

    _instance: Instance
    _proposed: int
    _values: list[Step]
    _open: dict[int, int]
    """Suggested trials that are not complete, with the last stage whose result was passed."""

    def __init__(self, spec: Spec, kind: type, given: int = 0) -> None:
        self._spec = spec
        self._kind = kind
        self._given = given
        self._begin()

    def propose(self, number: int, table: Sequence[Observation]) -> Mapping[str, Any] | None:
        """The flat config of trial ``number`` (from 1), or None if the searcher has finished.

        Raises:
            NotYet: ``suggest`` returned None.
            UserError: the searcher raised, or suggested a config outside the space.
        """
        trials = {o.trial: o for o in table}
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
                self._replay(step, trials)
        self._replay_ends(trials)
        suggestion = self._instance.suggest(number)
        if suggestion is None:
            raise NotYet
        if isinstance(suggestion, str):
            return None
        self._proposed = number
        self._open[number] = -1
        return suggestion

    def _begin(self) -> None:
        self._instance = Instance(self._spec, self._kind)
        self._proposed = 0
        self._values = []
        self._open = {}

    def _has_seen(self, steps: Sequence[Step], trials: Mapping[int, Observation]) -> bool:
        """Whether the history of the instance is a prefix of ``steps``."""
        values = [step for step in steps if step.stage is not None]
        known = self._open.keys() <= trials.keys() and self._proposed <= len(trials)
        return known and values[: len(self._values)] == self._values

    def _replay(self, step: Step, trials: Mapping[int, Observation]) -> None:
        observation = trials[step.trial]
        if step.stage is not None:
            self._values.append(step)
            self._replay_value(observation, step.stage)
            return
        self._proposed = step.trial
        if step.trial > self._given:
            self._replay_ends(trials)
            suggestion = self._instance.suggest(step.trial)
            if suggestion == observation.config:
                self._open[step.trial] = -1
            elif isinstance(suggestion, Mapping):
                self._instance.complete(step.trial, None, error=True)

    def _replay_value(self, observation: Observation, stage: int) -> None:
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

    def _replay_ends(self, trials: Mapping[int, Observation]) -> None:
        """Pass the end of trials that ended inside a stage: they failed, or the sweep had ended for a while."""
        for trial, stage in list(self._open.items()):
            observation = trials[trial]
            if observation.state in TRIAL_OVER and observation.stage == stage:
                del self._open[trial]
                self._instance.complete(trial, None, error=observation.state == "FAILED")
