"""All probes of a task within a time limit: `thorough` on the device that trains, `quick` without training."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import torch

from trainables.data import Data
from trainables.errors import TaskError
from trainables.loop.feed import resident
from trainables.loop.training import VALIDATION_BATCH
from trainables.probe import corners, stage_costs
from trainables.probe.clock import Clock
from trainables.probe.evidence import Corner, CornerEvidence, DataEvidence, Evidence, ProbeFailure, Question, Reach
from trainables.probe.examples import contents
from trainables.probe.examples.sample import shortened
from trainables.probe.learning import first_steps, repeated_runs
from trainables.probe.part import part
from trainables.probe.peak_memory import Peak
from trainables.probe.reach import Trace, reached, traced
from trainables.probe.sequence import ProbeSequence
from trainables.recipe import Recipe
from trainables.task import Task
from trainables.worker import outcome
from trainables.worker.loading import load, load_data
from trainables.worker.resolve import resolve

if TYPE_CHECKING:
    from trainables.worker.staged import EpochRunner

QUICK_CORNERS = 0.5
"""Seconds for building corners in `quick`."""


def quick(question: Question, data: Data | None = None) -> Evidence:
    """Evidence without training, on the CPU: data, first loss, names of the metrics, and corners that build.

    ``data`` is the task's, None to load it here. Of a task with a loop of its own only the data are looked at.

    Raises:
        TaskError: the task cannot be loaded, or its data have no subset for a stage.
    """
    task, data = loaded(question, data)
    if data is None:
        return Evidence()
    try:
        looked = contents.look(task, data, question.given.plan, question.given.data_seed)
    except Exception as error:
        return Evidence(failure=_of_data(error))
    if not isinstance(task, Task):
        return Evidence(data=looked)
    first = first_steps.first(task, data, question.given.config, torch.device("cpu"))
    return Evidence(data=looked, first=first, corners=_sketched(task, question, looked))


def thorough(question: Question, data: Data | None = None) -> Evidence:
    """All evidence, on the device of this process, in about ``question.seconds``.

    ``data`` is what the head loaded, which is compared with ``data()`` here. A failure of the task is part of the
    evidence.

    Raises:
        TaskError: the task cannot be loaded, or its data have no subset for a stage.
    """
    torch.set_num_threads(max(1, int(question.cpus)))
    try:
        task, own = load(question.given, ())
    except TaskError:
        raise
    except Exception as error:
        return Evidence(failure=_of_data(error))
    if isinstance(task, Task) and own is not None:
        again = load_data(task, question.given.task) if data is None else own
        return ProbeSequence(task, part(question), data or own, again).run()
    data = data or own
    evidence = _foreign(question)
    if data is None:
        return evidence
    try:
        return replace(evidence, data=contents.look(task, data, question.given.plan, question.given.data_seed))
    except Exception as error:
        return replace(evidence, failure=_of_data(error))


def peak(question: Question, data: Data | None = None) -> int | None:
    """Peak memory in bytes of a GPU over all corners; None without a GPU, or if no corner trains.

    Each corner trains for some steps and validates on a full batch, with the data on the GPU that a trial keeps there.

    Raises:
        TaskError: the task cannot be loaded.
    """
    task, data = loaded(question, data)
    if not torch.cuda.is_available() or not isinstance(task, Task) or data is None:
        return None
    resident(data, first_steps.device())  # As a trial's feed does; the copy lives as long as ``data``.
    clock, most = Clock(question.seconds), 0
    for corner in question.corners:
        if clock.over:
            break
        most = max(most, _peak(task, data, corner))
    return most or None


def _peak(task: Task, data: Data, corner: Corner) -> int:
    """Peak bytes of a short epoch, with all that is on the device already; 0 if the corner does not train."""
    with Peak() as peak:
        try:
            few = corners.STEPS * Recipe.parse(corner.config).batch_size
            training, _ = corners.mini(task, shortened(data, few, VALIDATION_BATCH), corner.config)
            training.run_epoch()
        except Exception:  # Trials of such a config fail, which `thorough` reports.
            return 0
    return peak.bytes


def loaded(question: Question, data: Data | None) -> tuple[Any, Data | None]:
    """The task and its data: ``data`` from the head, else ``task.data()``; None for a function."""
    if data is not None:
        return resolve(question.given.task, question.given.project), data
    return load(question.given, ())


def own(question: Question, data: Data | None, what: str) -> tuple[Task, Data]:
    """The task class and its data as tensors; sets torch's threads to those of a trial.

    Raises:
        TaskError: the task has a loop of its own, for which there is no ``what``.
    """
    task, data = loaded(question, data)
    if not isinstance(task, Task) or data is None:
        raise TaskError(f"task {question.given.task} has a loop of its own", f"{what} needs a task class")
    torch.set_num_threads(max(1, int(question.cpus)))
    return task, data.unpacked()


def _sketched(task: Task, question: Question, looked: DataEvidence) -> tuple[CornerEvidence, ...]:
    """The evidence of as many corners as there is time for."""
    clock, found = Clock(QUICK_CORNERS), []
    examples = tuple(stage.examples for stage in looked.stages)
    for corner in question.corners:
        if clock.over:
            break
        found.append(corners.sketch(task, corner, question.given.plan, examples))
    return tuple(found)


def _of_data(error: Exception) -> ProbeFailure:
    return replace(corners.failure_of(error), where="data")


def _foreign(question: Question) -> Evidence:
    """The evidence of a task with a loop of its own: its first epochs, run as in a trial."""
    from trainables.worker.staged import runner_of

    plan, metric, clock = question.given.plan, question.given.metric, Clock(question.seconds)
    epochs = sum(stage.epochs for stage in plan.stages)
    with TemporaryDirectory(prefix="sieve-check-") as folder:
        make = partial(runner_of, replace(question.given, folder=Path(folder)), ())
        try:
            compared = repeated_runs.compare(make, make, metric, epochs, clock)
            metrics, over = dict(compared.metrics), plan[0].epochs == 1
            outcome.check(metrics, metric, 0, over)
            if metric not in metrics:
                metrics, over = _until(metric, make(), plan[0].epochs, clock)
                outcome.check(metrics, metric, 0, over)
        except Exception as error:
            return Evidence(failure=corners.failure_of(error))
    costs = stage_costs.scaled(compared.seconds, question.plans)
    reach, late = _reach(question, clock, compared.seconds)
    skipped = [f"whether {name} changes anything" for name in late]
    if metric not in metrics:
        metrics, skipped = {}, [f"whether {metric} is reported", *skipped]
    return Evidence(runs=replace(compared, metrics=metrics), costs=costs, reach=reach, skipped=tuple(skipped))


def _reach(question: Question, clock: Clock, seconds: float) -> tuple[tuple[Reach, ...], tuple[str, ...]]:
    """What the parameters of a loop of the task's own change in its first epoch, by its losses and the metric."""
    from trainables.worker.staged import runner_of

    def asked(name: str) -> bool:
        return name == question.given.metric or name.endswith("loss")

    def run(config: Mapping[str, Any]) -> Trace:
        given = replace(question.given, config=config)
        with (
            TemporaryDirectory(prefix="sieve-check-") as folder,
            closing(runner_of(replace(given, folder=Path(folder)), ())) as runner,
        ):
            return traced(runner.run_epoch(), asked)

    ends = (replace(one, corners=(one.corners[0], one.corners[-1])) for one in question.swept)
    return reached(ends, run, clock, ("an epoch", seconds))


def _until(metric: str, run: EpochRunner, epochs: int, clock: Clock) -> tuple[dict[str, float], bool]:
    """What the first ``epochs`` of ``run`` report until ``metric`` is there, and whether that was all of them."""
    metrics: dict[str, float] = {}
    with closing(run):
        for _ in range(epochs):
            if metric in metrics or clock.over:
                return metrics, False
            metrics |= run.run_epoch()
    return metrics, True
