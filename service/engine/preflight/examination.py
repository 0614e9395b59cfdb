"""The check of a sweep: runs the probes where trials train, and judges their evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from service.engine.preflight.checked import Checked, check, fitted, placed
from service.engine.preflight.combinations import combinations
from service.engine.preflight.corners import corners, swept
from service.engine.preflight.finding import Finding, Report
from service.engine.preflight.judges import costs, data, learning, steps, trials
from service.engine.preflight.target import Target
from service.policy.cluster_share.request import largest, most_processes, requests
from service.spec import Spec
from service.spec.errors import UserError
from trainables.errors import TaskError
from trainables.loop.assignment import Assignment
from trainables.probe.evidence import BatchEvidence, Evidence, ProbeFailure, Question, Ramp

Found = TypeVar("Found")

SECONDS = 20.0
"""How long the probes may take by default, start-up and the reading of data apart."""


def question(spec: Spec, project: str, seconds: float = SECONDS) -> Question:
    """What to look at for ``spec``, whose task is found from ``project``."""
    tried = corners(spec)
    given = Assignment(
        config=tried[0].config,
        trial=0,
        seed=0,
        metric=spec.metric.name,
        plan=spec.plan,
        task=spec.task,
        project=project,
        folder=Path(),
        data_seed=spec.search.seed,
        data_dir=spec.data_dir,
    )
    cpus, processes = largest(requests(spec)).cpu, most_processes(spec)
    return Question(given, spec.plans, tried, seconds, cpus, processes, swept(spec))


def quick(spec: Spec, project: str) -> Report:
    """The part that takes well under a second in this process: data, first loss, metric, corners that build.

    Raises:
        SpecError: as `check` does.
    """
    from trainables.probe import measure

    spec = fitted(spec, project)
    shared = check(spec, project).data
    try:
        evidence = measure.quick(question(spec, project), shared)
    except TaskError as error:
        raise placed(error, None) from error
    return Report(tuple(judge(spec, evidence)))


def thorough(spec: Spec, project: str, source: object = None, seconds: float = SECONDS) -> Report:
    """The whole check, on the resources that a trial of ``spec`` gets, in about ``seconds`` and what starting takes.

    Raises:
        SpecError: as `check` does.
        UserError: the cluster lacks the resources.
    """

    def told(target: Target, asked: Question, data: Any | None) -> Report:
        evidence = target.probe(asked, data)
        names = misspelt(check(spec, project, source))
        room = (*costs.processes(spec), *costs.idle_gpus(spec, target.gpus))
        findings = (*judge(spec, evidence), *room, *_costs(spec, evidence, target))
        return Report((*names, *findings))

    spec = fitted(spec, project, source)
    return _on_target(told, spec, project, source, seconds)


def measured(spec: Spec, project: str, seconds: float = SECONDS) -> Checked:
    """What `check` says, with the peak memory of a trial where its target has a GPU; raises as `thorough` does.

    Within a cluster that is connected already it runs there.
    """
    checked = check(spec, project)
    return replace(checked, peak_bytes=_on_target(Target.peak, spec, project, None, seconds))


def find_lr(spec: Spec, project: str, source: object = None, seconds: float = SECONDS) -> Ramp:
    """The ramp test of the learning rate on the resources of a trial; raises as `thorough` does."""
    return _on_target(Target.ramp, spec, project, source, seconds)


def find_batch(spec: Spec, project: str, source: object = None, seconds: float = SECONDS) -> tuple[BatchEvidence, ...]:
    """Speed and memory of ever larger batches on the resources of a trial; raises as `thorough` does."""
    return _on_target(Target.batch_sizes, spec, project, source, seconds)


def misspelt(checked: Checked) -> Iterator[Finding]:
    """Names of parameters that look like those that Sieve's own loop reads."""
    for one in checked.misspelt:
        yield Finding("warn", "names", one.evidence, one.cure)


def _on_target(
    ask: Callable[[Target, Question, Any], Found], spec: Spec, project: str, source: object, seconds: float
) -> Found:
    data = check(spec, project, source).data
    with Target(spec) as target:
        try:
            return ask(target, question(spec, project, seconds), data)
        except TaskError as error:
            raise placed(error, source) from error


def insist(report: Report) -> None:
    """See that nothing failed in the quick part.

    Raises:
        UserError: with every failure.
    """
    if not report:
        failed = "\n".join(f"  {finding}" for finding in report.failures)
        raise UserError(
            f"the check before the sweep fails:\n{failed}\nmend it",
            "`sieve check` tells more, --no-check (check=False in Python) runs the sweep anyway",
        )


def judge(spec: Spec, seen: Evidence) -> Iterator[Finding]:
    """All findings of ``seen`` but the costs, in the order in which to mend them."""
    if seen.data is not None:
        yield from data.data(seen.data)
        yield from data.repeatable(seen.repeatable)
    if seen.failure is not None and seen.failure.where == "data":
        yield _failed(seen.failure)
        return
    yield from _learning(seen)
    reported = seen.first.reported if seen.first else tuple(seen.runs.metrics) if seen.runs else ()
    if reported:
        yield trials.metric(spec.metric.name, reported)
    if seen.failure is not None:
        yield _failed(seen.failure)
    if seen.runs is not None:
        yield from trials.runs(seen.runs)
    if seen.first is not None:  # The recipe is that of a task class.
        yield from steps.steps(spec, seen)
        yield from combinations(spec)
    if seen.corners:
        yield from trials.corners(seen.corners, seen.first.loss if seen.first else None)
        untrained = seen.first.untrained.get(spec.metric.name) if seen.first else None
        yield from trials.constant(seen.corners, spec.metric.name, untrained)
    yield from trials.reach(seen.reach)
    for what in seen.untried:
        yield Finding("warn", "untried", f"could not be tried: {what}", "see whether the task is at fault there")
    if seen.skipped:
        yield Finding("warn", "time", f"not tried: {learning.names(seen.skipped)}", "give it longer with --seconds")


def _failed(failure: ProbeFailure) -> Finding:
    return Finding("fail", failure.where, str(failure), "mend that first; the rest was not looked at")


def _learning(seen: Evidence) -> Iterator[Finding]:
    if seen.first is not None:
        yield from learning.first(seen.first)
    if seen.learning is not None:
        yield from learning.learning(seen.learning)
    if seen.signal is not None:
        yield from learning.signal(seen.signal)


def _costs(spec: Spec, seen: Evidence, target: Target) -> Iterator[Finding]:
    if seen.costs is not None:
        yield from costs.costs(spec, seen.costs, target.slots, target.gpu)
