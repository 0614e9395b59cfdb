"""All probes of a task, each with a share of the time: what runs on the target, and its quick part."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from trainables import outcome
from trainables.assignment import Assignment
from trainables.data import Data
from trainables.loading import load_data
from trainables.probe import contents, corners, costs, runs, signal, steps
from trainables.probe.clock import Clock
from trainables.probe.evidence import CornerEvidence, DataEvidence, Evidence, Question, RunsEvidence
from trainables.probe.sample import shortened
from trainables.recipe import Recipe
from trainables.resolve import resolve
from trainables.task import Task

if TYPE_CHECKING:
    from trainables.staged import Runner

Found = TypeVar("Found")

QUICK_CORNERS = 0.5
"""Seconds for building corners in the quick part."""


def quick(question: Question, data: Data | None) -> Evidence:
    """What needs no training: the data, the first loss, the metrics' names, and corners that build, on the CPU.

    ``data`` is the task's, None to load it here. A task with a loop of its own tells nothing without running.

    Raises:
        TaskError: the task cannot be loaded, or its stages not be had.
    """
    task = resolve(question.task, question.project)
    if not isinstance(task, Task):
        return Evidence()
    data = load_data(task, question.task) if data is None else data
    looked = contents.look(task, data, question.plans[0], question.data_seed)
    first = steps.first(task, data, question.corners[0].config, torch.device("cpu"))
    clock = Clock(QUICK_CORNERS)
    return Evidence(data=looked, first=first, corners=_built(task, question, looked, clock, lazily=True))


def thorough(question: Question, data: Data | None = None) -> Evidence:
    """Everything, on the device of this process, in about ``question.seconds``.

    ``data`` is what the head loaded, which must be what ``data()`` gives here. A failure of the task is part of the
    evidence.

    Raises:
        TaskError: the task cannot be loaded, or its stages not be had.
    """
    torch.set_num_threads(max(1, int(question.cpus)))
    task = resolve(question.task, question.project)
    if isinstance(task, Task):
        return _Probe(task, question, data).run()
    return _foreign(question)


class _Probe:
    """The probes of a task class, in the order in which a failure of one makes the next ones pointless."""

    def __init__(self, task: Task, question: Question, data: Data | None) -> None:
        self.task = task
        self.question = question
        self.config = question.corners[0].config
        self.again = load_data(task, question.task)
        self.data = data if data is not None else load_data(task, question.task)
        self.clock = Clock(question.seconds)
        self.skipped: list[str] = []

    def run(self) -> Evidence:
        task, question, data, config = self.task, self.question, self.data, self.config
        looked = contents.look(task, data, question.plans[0], question.data_seed)
        repeatable = contents.repeats(data, self.again)
        first = steps.first(task, data, config, steps.device())
        evidence = partial(Evidence, data=looked, repeatable=repeatable, first=first)
        if first.loss is None:
            return evidence()
        try:
            learning = steps.learn(task, data, config, Clock(question.seconds / 6))
            if not learning.connected:
                return evidence(learning=learning)
            measured = costs.measure(task, data, config, question.plans, question.data_seed)
        except Exception as error:
            return evidence(failure=corners.failure_of(error))
        seen = self._timed("signal", self._signal)
        compared = self._timed("runs", self._runs)
        return evidence(
            learning=learning,
            costs=measured,
            signal=seen,
            runs=compared,
            corners=self._corners(looked),
            skipped=tuple(self.skipped),
        )

    def _signal(self) -> Any:
        return signal.measure(self.task, self.data, self.config, self.question.metric, Clock(self.question.seconds / 6))

    def _runs(self) -> RunsEvidence:
        """On few examples: what must be the same is the same there."""
        recipe = Recipe.parse(self.config)
        rows = corners.STEPS * recipe.batch_size
        one, other = (shortened(data, rows, corners.VALIDATION) for data in (self.data, self.again))
        make = partial(corners.mini, self.task, one, self.config, recipe.warmup)
        again = partial(corners.mini, self.task, other, self.config, recipe.warmup)
        return runs.compare(make, again, self.question.metric, corners.EPOCHS, self.clock)

    def _corners(self, looked: DataEvidence) -> tuple[CornerEvidence, ...]:
        """All are built; the time is shared by those that train."""
        built = _built(self.task, self.question, looked, Clock(self.question.seconds))
        found: list[CornerEvidence] = []
        rate = None
        for number, (corner, known) in enumerate(zip(self.question.corners, built, strict=False)):
            left = len(self.question.corners) - number
            if known.failure is not None:
                found.append(known)
            elif self.clock.over:
                self.skipped.append(corner.name)
                found.append(known)
            else:
                share = self.clock.left / left
                tried = corners.train(self.task, self.data, corner, self.question.metric, share, rate)
                rate = max(rate or 0.0, tried.rate or 0.0) or None
                found.append(tried)
        return tuple(found)

    def _timed(self, name: str, probe: Callable[[], Found]) -> Found | None:
        if self.clock.over:
            self.skipped.append(name)
            return None
        try:
            return probe()
        except Exception as error:  # The config in the middle is the first corner, which will tell the same.
            self.skipped.append(f"{name} ({error})")
            return None


def _built(
    task: Task, question: Question, looked: DataEvidence, clock: Clock, *, lazily: bool = False
) -> tuple[CornerEvidence, ...]:
    examples = tuple(stage.examples for stage in looked.stages)
    found = []
    for corner in question.corners:
        if clock.over:
            break
        found.append(corners.build(task, corner, question.plans[0], examples, lazily=lazily))
    return tuple(found)


def _foreign(question: Question) -> Evidence:
    """A task with a loop of its own: its first epochs, as a trial would run them."""
    with TemporaryDirectory(prefix="sieve-check-") as folder:
        make = partial(_runner, question, Path(folder))
        plan = question.plans[0]
        try:
            compared = runs.compare(make, make, question.metric, plan[0].epochs, Clock(question.seconds))
            outcome.check(compared.metrics, question.metric)
        except Exception as error:
            return Evidence(failure=corners.failure_of(error))
    return Evidence(runs=compared, costs=costs.scaled(compared.seconds, question.plans))


def _runner(question: Question, folder: Path) -> Runner:
    from trainables.staged import _runner as make

    given = Assignment(
        config=question.corners[0].config,
        trial=0,
        seed=0,
        metric=question.metric,
        plan=question.plans[0],
        task=question.task,
        project=question.project,
        folder=folder,
        data_seed=question.data_seed,
    )
    return make(given, ())
