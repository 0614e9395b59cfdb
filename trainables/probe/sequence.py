"""The probes of a task class, one after the other, each with a slice of the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from trainables.data import Data
from trainables.errors import told
from trainables.probe import corners, signal, stage_costs
from trainables.probe.clock import Clock
from trainables.probe.evidence import CornerEvidence, CostEvidence, Evidence, Question, RunsEvidence, Signal
from trainables.probe.examples import contents
from trainables.probe.examples.sample import shortened
from trainables.probe.learning import first_steps, one_batch, repeated_runs
from trainables.probe.reach import Trace, asked_of_class, reached, trained
from trainables.recipe import Recipe
from trainables.task import Task

if TYPE_CHECKING:
    from trainables.worker.staged import EpochRunner

Found = TypeVar("Found")


class ProbeSequence:
    """The probes of a task class, in an order such that the failure of one makes the next ones pointless.

    ``data`` and ``again`` are of two calls of the task's ``data()``.
    """

    def __init__(self, task: Task, question: Question, data: Data, again: Data) -> None:
        self.task = task
        self.question = question
        self.given = question.given
        self.data = data
        self.again = again
        self.clock = Clock(question.seconds)
        self.rate = 0.0
        self.enough = 0
        self.skipped: list[str] = []
        self.untried: list[str] = []

    def run(self) -> Evidence:
        """All evidence; it ends early if there is no loss or it has no gradient."""
        task, given, data = self.task, self.given, self.data
        try:
            looked = contents.look(task, data, given.plan, given.data_seed)
            repeatable = contents.repeats(data, self.again)
        except Exception as error:
            return Evidence(failure=replace(corners.failure_of(error), where="data"))
        first = first_steps.first(task, data, given.config, first_steps.device())
        self.enough = first.enough
        evidence = partial(Evidence, data=looked, repeatable=repeatable, first=first)
        if first.error is not None:
            return evidence()
        try:
            learning = one_batch.learn(task, data, given.config, self._slice())
            if not learning.connected:
                return evidence(learning=learning)
            self.rate = learning.rate
            measured = self._costs()
        except Exception as error:
            return evidence(failure=corners.failure_of(error))
        evidence = partial(evidence, learning=learning, costs=measured)
        seen, compared = self._timed("signal", self._signal), self._timed("runs", self._runs)
        tried = self._corners()
        reach, late = reached(asked_of_class(self.question.swept), self._run, Clock(self._slice()))
        self.skipped += [f"whether {name} changes anything" for name in late]
        return evidence(
            signal=seen,
            runs=compared,
            corners=tried,
            reach=reach,
            skipped=tuple(self.skipped),
            untried=tuple(self.untried),
        )

    def _slice(self) -> float:
        """Seconds of one probe; corners take what is left."""
        return self.question.seconds / 6

    def _rows(self, epochs: int) -> int:
        """How many examples can be trained on for ``epochs`` in one `_slice`."""
        return max(corners.FEWEST, int(self._slice() / epochs / max(self.rate, 1e-9)))

    def _costs(self) -> CostEvidence:
        plans, seed = self.question.plans, self.given.data_seed
        validation = max(corners.VALIDATION, self.enough)
        return stage_costs.measure(self.task, self.data, self.given.config, plans, seed, self._rows(4), validation)

    def _signal(self) -> Signal | None:
        asked, config, metric = max(signal.ASKED, self.enough), self.given.config, self.given.metric
        return signal.measure(self.task, self.data, config, metric, self._slice(), self._rows(1), asked)

    def _runs(self) -> RunsEvidence:
        """Two runs and a resumed one on few examples, where exact repetition must hold as on many."""
        rows = min(self._rows(5), corners.STEPS * Recipe.parse(self.given.config).batch_size)
        validation = max(corners.VALIDATION, self.enough)
        one, other = (shortened(data, rows, validation) for data in (self.data, self.again))

        def make(data: Data) -> EpochRunner:
            return corners.mini(self.task, data, self.given.config)[0]

        return repeated_runs.compare(
            partial(make, one), partial(make, other), self.given.metric, corners.EPOCHS, self.clock
        )

    def _run(self, config: Mapping[str, Any]) -> Trace:
        return trained(self.task, self.data, config, self.enough)

    def _corners(self) -> tuple[CornerEvidence, ...]:
        """All corners are built; they train in the time that is left, a third of the whole at least, in equal parts."""
        found: list[CornerEvidence] = []
        rate, clock = self.rate, Clock(max(self.clock.left, 2 * self._slice()))
        for number, corner in enumerate(self.question.corners):
            tried = corners.build(self.task, self.data, corner, self.given.plan, self.given.data_seed)
            if clock.over:
                self.skipped.append(corner.name)
            elif tried.failure is None:
                seconds = clock.left / (len(self.question.corners) - number)
                tried = corners.train(self.task, self.data, corner, self.given.metric, seconds, rate, self.enough)
                rate = max(rate, tried.rate or 0.0)
            found.append(tried)
        return tuple(found)

    def _timed(self, name: str, probe: Callable[[], Found]) -> Found | None:
        if self.clock.over:
            self.skipped.append(name)
            return None
        try:
            return probe()
        except TimeoutError as error:
            self.skipped.append(f"{name} ({error})")
        except Exception as error:
            self.untried.append(f"{name}: {told(error)}")
        return None
