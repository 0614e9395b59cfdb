"""All probes of a task, each with a share of the time: what runs on the target, and its quick part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

import torch

from trainables import outcome
from trainables.data import Data
from trainables.loading import load, load_data
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
PARTS = 20
"""A corner whose memory alone matters trains for this part of the time."""


def quick(question: Question, data: Data | None = None) -> Evidence:
    """What needs no training: the data, the first loss, the metrics' names, and corners that build, on the CPU.

    ``data`` is the task's, None to load it here. A task with a loop of its own tells nothing but its data.

    Raises:
        TaskError: the task cannot be loaded, or its stages not be had.
    """
    task, data = loaded(question, data)
    if data is None:
        return Evidence()
    looked = contents.look(task, data, question.given.plan, question.given.data_seed)
    if not isinstance(task, Task):
        return Evidence(data=looked)
    first = steps.first(task, data, question.given.config, torch.device("cpu"))
    return Evidence(data=looked, first=first, corners=_sketched(task, question, looked))


def thorough(question: Question, data: Data | None = None) -> Evidence:
    """Everything, on the device of this process, in about ``question.seconds``.

    ``data`` is what the head loaded, which must be what ``data()`` gives here. A failure of the task is part of the
    evidence.

    Raises:
        TaskError: the task cannot be loaded, or its stages not be had.
    """
    torch.set_num_threads(max(1, int(question.cpus)))
    task, own = load(question.given, ())
    if isinstance(task, Task) and own is not None:
        again = load_data(task, question.given.task) if data is None else own
        return _Probe(task, question, data or own, again).run()
    data = data or own
    evidence = _foreign(question)
    if data is None:
        return evidence
    return replace(evidence, data=contents.look(task, data, question.given.plan, question.given.data_seed))


def peak(question: Question, data: Data | None = None) -> int | None:
    """The most bytes of a GPU that any corner took in some steps; None without a GPU, or where no corner trains.

    Raises:
        TaskError: the task cannot be loaded.
    """
    task, data = loaded(question, data)
    if not torch.cuda.is_available() or not isinstance(task, Task) or data is None:
        return None
    clock, most = Clock(question.seconds), 0
    for corner in question.corners:
        if clock.over:
            break
        tried = corners.train(task, data, corner, question.given.metric, question.seconds / PARTS, 0.0)
        most = max(most, tried.peak_bytes or 0)
    return most or None


def loaded(question: Question, data: Data | None) -> tuple[Any, Data | None]:
    """The task and its data: ``data``, which the head loaded, else what the task gives here; None if it keeps it."""
    if data is not None:
        return resolve(question.given.task, question.given.project), data
    return load(question.given, ())


class _Probe:
    """The probes of a task class, in the order in which a failure of one makes the next ones pointless.

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
        self.skipped: list[str] = []

    def run(self) -> Evidence:
        task, given, data = self.task, self.given, self.data
        looked = contents.look(task, data, given.plan, given.data_seed)
        repeatable = contents.repeats(data, self.again)
        first = steps.first(task, data, given.config, steps.device())
        evidence = partial(Evidence, data=looked, repeatable=repeatable, first=first)
        if first.loss is None:
            return evidence()
        try:
            learning = steps.learn(task, data, given.config, Clock(self._share()))
            if not learning.connected:
                return evidence(learning=learning)
            self.rate = learning.rate
            measured = costs.measure(task, data, given.config, self.question.plans, given.data_seed, self._rows(4))
        except Exception as error:
            return evidence(failure=corners.failure_of(error))
        evidence = partial(evidence, learning=learning, costs=measured)
        seen, compared = self._timed("signal", self._signal), self._timed("runs", self._runs)
        tried = self._corners()
        return evidence(signal=seen, runs=compared, corners=tried, skipped=tuple(self.skipped))

    def _share(self) -> float:
        """A part of the time, in seconds: corners take the rest."""
        return self.question.seconds / 6

    def _rows(self, epochs: int) -> int:
        """So many examples can be trained on for ``epochs`` in such a part."""
        return max(corners.FEWEST, int(self._share() / epochs / max(self.rate, 1e-9)))

    def _signal(self) -> Any:
        return signal.measure(self.task, self.data, self.given.config, self.given.metric, self._share(), self._rows(1))

    def _runs(self) -> RunsEvidence:
        """On few examples: what must be the same is the same there."""
        rows = min(self._rows(5), corners.STEPS * Recipe.parse(self.given.config).batch_size)
        one, other = (shortened(data, rows, corners.VALIDATION) for data in (self.data, self.again))

        def make(data: Data) -> Runner:
            return corners.mini(self.task, data, self.given.config)[0]

        return runs.compare(partial(make, one), partial(make, other), self.given.metric, corners.EPOCHS, self.clock)

    def _corners(self) -> tuple[CornerEvidence, ...]:
        """All are built; the time that is left, a third of it all at least, is shared by those that train."""
        found: list[CornerEvidence] = []
        rate, clock = self.rate, Clock(max(self.clock.left, 2 * self._share()))
        for number, corner in enumerate(self.question.corners):
            tried = corners.build(self.task, self.data, corner, self.given.plan, self.given.data_seed)
            if clock.over:
                self.skipped.append(corner.name)
            elif tried.failure is None:
                share = clock.left / (len(self.question.corners) - number)
                tried = corners.train(self.task, self.data, corner, self.given.metric, share, rate)
                rate = max(rate, tried.rate or 0.0)
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


def _sketched(task: Task, question: Question, looked: DataEvidence) -> tuple[CornerEvidence, ...]:
    """As many corners as there is time for."""
    clock, found = Clock(QUICK_CORNERS), []
    examples = tuple(stage.examples for stage in looked.stages)
    for corner in question.corners:
        if clock.over:
            break
        found.append(corners.sketch(task, corner, question.given.plan, examples))
    return tuple(found)


def _foreign(question: Question) -> Evidence:
    """A task with a loop of its own: its first epochs, as a trial would run them."""
    from trainables.staged import runner_of

    epochs = sum(stage.epochs for stage in question.given.plan.stages)
    metric = question.given.metric
    with TemporaryDirectory(prefix="sieve-check-") as folder:
        make = partial(runner_of, replace(question.given, folder=Path(folder)), ())
        try:
            compared = runs.compare(make, make, metric, epochs, Clock(question.seconds))
            outcome.check(compared.metrics, metric)
        except Exception as error:
            return Evidence(failure=corners.failure_of(error))
    return Evidence(runs=compared, costs=costs.scaled(compared.seconds, question.plans))
