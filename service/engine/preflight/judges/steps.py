"""Findings on the optimizer steps of the stages: a rung after few of them sorts little more than luck."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from service.engine.preflight.finding import Finding
from service.spec import Spec
from service.spec.stage_plan.auto_stages import VALIDATION, Load, auto_plan
from service.spec.stage_plan.planning import made_by, written
from service.spec.stage_plan.steps import USEFUL, StageSteps, batches, stage_steps
from trainables.probe.evidence import CostEvidence, Evidence, StageEvidence
from trainables.stages import Plan


def steps(spec: Spec, seen: Evidence) -> Iterator[Finding]:
    """Those of each stage with the batch sizes of the space; a warning where the first rung comes after too few."""
    if spec.planned is not None:
        yield Finding("ok", "plan", f"{made_by(spec.planned, spec.search, spec.facts)}: {written(spec.plan)}")
    sizes = batches(spec.space)
    if sizes is None or seen.data is None or seen.first is None:  # Only of Sieve's own loop are they known.
        return
    counted = stage_steps(spec.plan, [stage.examples for stage in seen.data.stages], sizes)
    evidence = f"{'; '.join(map(spoken, range(len(counted)), counted))}; the median batch has {sizes.median} examples"
    if len(counted) == 1 or counted[0].median >= USEFUL:
        yield Finding("ok", "steps", evidence)
        return
    better = suggested(spec, seen)
    words = "train no coarse stage: so few steps are a large part of a full training"
    cure = f"write {written(better)}" if len(better) > 1 else f"{words}, write {written(better)}"
    few = f"after fewer than {USEFUL} steps of most configs the first rung can tell little"
    yield Finding("warn", "steps", f"{evidence}; {few}", cure)


def spoken(stage: int, found: StageSteps) -> str:
    """The steps that trials have made by the end of a stage, in words."""
    between = f", {found.fewest} to {found.most}" if found.fewest < found.most else ""
    return f"stage {stage} ends after {found.median} optimizer steps{between}"


def suggested(spec: Spec, seen: Evidence) -> Plan:
    """The plan that `auto` makes for full trainings as long as this sweep's, by the costs if they were measured."""
    sizes = batches(spec.space)
    if seen.data is None or sizes is None:
        return spec.plan
    last = seen.data.stages[-1]
    whole = round(last.examples / spec.plan[spec.plan.last].data)
    load = Load(whole, last.validation, sizes.median, _validating(spec.plan, seen.data.stages, seen.costs))
    return auto_plan(spec.plan[spec.plan.last].epochs, spec.search.trials, spec.schedule.reduction_factor, load)


def _validating(plan: Plan, stages: Sequence[StageEvidence], seen: CostEvidence | None) -> float:
    """The cost of validating on an example beside training on it, from the seconds of an epoch of two stages."""
    if seen is None:
        return VALIDATION
    first, last = (seen.seconds[0][at] / plan[at].epochs for at in (0, -1))
    more = stages[-1].examples - stages[0].examples
    if not more or stages[0].validation != stages[-1].validation or last <= first:
        return VALIDATION
    training = (last - first) / more
    return max(0.0, (first - stages[0].examples * training) / (stages[0].validation * training))
