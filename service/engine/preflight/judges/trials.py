"""Findings on trials: the corners of the space, the metric, two runs of one seed, a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from service.engine.preflight.finding import Finding, Level
from service.engine.preflight.judges.learning import names
from trainables.nearest import closest
from trainables.probe.evidence import CornerEvidence, ProbeFailure, Reach, RunsEvidence, fall

CLIMBED = 10.0
"""A training loss that grew by this factor is on its way to infinity."""
CLOSE = 1e-3
"""Relative difference below which two runs of one seed differ by rounding alone."""
MOVED, ENOUGH = 0.2, 3
"""The fall of a loss, as a fraction (see `fall`), that should move the metric; the fewest trials to judge that by."""
MASTERED = 0.9
"""A loss that fell by this fraction may have brought the metric to its end, 0 or 1."""
SMALLER = "lower the bounds of what makes it large, or batch_size"
KEEP_OUT = "keep such configs out of the space, or let the task take them"
LOWER = "lower its upper bound, warm up or set clip_norm: trials there are lost"


def corners(seen: Sequence[CornerEvidence], first_loss: float | None = None) -> Iterator[Finding]:
    """Configs that do not build or step, by name, or that all do. ``first_loss`` is that of an untrained model."""
    diverged = [one for one in seen if _diverged(one, first_loss)]
    yield from _failed(seen)
    for one in diverged:
        level: Level = "fail" if one is seen[0] or 2 * len(diverged) > len(seen) else "warn"
        yield Finding(level, "corners", f"{one.name} diverges: {_how(one)}", _cure(one))
    if all(one.failure is None for one in seen) and not diverged:
        steps = "trained for some steps" if any(one.steps for one in seen) else "build"
        most = max((one.peak_bytes or 0 for one in seen), default=0) / 2**20
        memory = f", with at most {most:.0f} MB" if most >= 1 else ""
        yield Finding("ok", "corners", f"{len(seen)} configs at the corners of the space {steps}{memory}")


def _failed(seen: Sequence[CornerEvidence]) -> Iterator[Finding]:
    """One finding per failure, with all the corners that it is found at."""
    at: dict[ProbeFailure, list[str]] = {}
    for one in seen:
        if one.failure is not None and one.failure.kind != "diverged":
            at.setdefault(one.failure, []).append(one.name)
    for failure, places in at.items():
        place = f"all {len(seen)} configs" if len(places) == len(seen) > 1 else names(places)
        if failure.kind == "memory":
            evidence, cure = f"{place} does not fit in memory: {failure.message}", SMALLER
        else:
            evidence, cure = f"{place}: {failure.message}", failure.cure or KEEP_OUT
        yield Finding("fail", "corners", evidence, cure)


def _diverged(one: CornerEvidence, first_loss: float | None) -> bool:
    if one.failure is not None:
        return one.failure.kind == "diverged"
    if one.last is None or not math.isfinite(one.last):
        return one.last is not None
    start = max(abs(first_loss if first_loss is not None else one.first or 0.0), 1e-3)
    return one.last > CLIMBED * start and one.last > (one.first or 0.0)


def _how(one: CornerEvidence) -> str:
    if one.failure is not None:
        return one.failure.message
    return f"the training loss is {one.last:.3g} after {one.steps} steps"


def _cure(one: CornerEvidence) -> str:
    if one.name == "the middle":
        return "the middle of the space is no good start: lower the range of lr, or give search.initial"
    return LOWER if one.name.partition(" = ")[0].endswith("lr") else "lower the upper bound of lr, or warm up"


def reach(seen: Sequence[Reach]) -> Iterator[Finding]:
    """Parameters whose values train alike, bit for bit, with one seed on the same batches."""
    for one in seen:
        for values in one.alike:
            several = f"{', '.join(values[:-1])} and {values[-1]} give the same losses, bit for bit"
            evidence = f"{one.name} did not change anything in {one.within}: {several}"
            if len(values) < one.tried:
                evidence = f"{one.name}: {several}, in {one.within}"
            key = "".join(f"[{part!r}]" for part in one.name.split("/"))
            cure = f"see that the task reads config{key}; fine if it acts later or seldom, as a patience does"
            yield Finding("warn", "swept values", evidence, cure)
    sound = [one.name for one in seen if not one.alike]
    if sound:
        yield Finding("ok", "swept values", f"reach training: {names(sound)}")


def constant(seen: Sequence[CornerEvidence], metric: str, untrained: float | None = None) -> Iterator[Finding]:
    """Whether the metric is the same whatever is trained; ``untrained`` is what it was before, if that is known."""
    learnt = [one for one in seen if one.value is not None and _fall(one) > MOVED]
    values = [one.value for one in learnt]
    at_its_end = bool(values) and values[0] in (0.0, 1.0)
    if at_its_end and (untrained not in (None, values[0]) or all(_fall(one) > MASTERED for one in learnt)):
        return
    if len(values) >= ENOUGH and len(set(values)) == 1:
        evidence = f"{metric} is {values[0]:.4g} after each of {len(values)} different trainings"
        cure = (
            "compute it from the model's output on the batch it is given; if it is, they all answer alike, and another"
        )
        yield Finding("warn", "metric", evidence, f"{cure} metric may tell them apart")


def _fall(one: CornerEvidence) -> float:
    return -math.inf if one.first is None or one.last is None else fall(one.first, one.last)


def metric(name: str, reported: Sequence[str]) -> Finding:
    """Whether the task reports the sweep's metric."""
    if name in reported:
        others = ", ".join(other for other in reported if other != name)
        return Finding("ok", "metric", f"{name} is reported" + (f", beside {others}" if others else ""))
    close = closest(name, reported)
    hint = f"name {close!r} as" if close else "name one of these as"
    return Finding(
        "fail", "metric", f"the task reports no {name}, only {', '.join(reported)}", f"{hint} metric.name of the sweep"
    )


def runs(seen: RunsEvidence) -> Iterator[Finding]:
    """Two runs with one seed, and a checkpoint's round trip."""
    if seen.apart is not None:
        yield _seed(seen.apart, seen.where)
    if seen.changed is not None and seen.resumed is not None:
        yield _round_trip(seen.changed, seen.resumed)
    left_out = "a second run and a resumed one" if seen.apart is None else "a resumed run"
    if seen.resumed is None:
        evidence = f"not tried: {left_out}, as an epoch takes {seen.seconds:.3g} s"
        yield Finding("warn", "time", evidence, "give it longer with --seconds")


def _seed(apart: float, where: str) -> Finding:
    if apart == 0:
        return Finding("ok", "one seed", "two runs with one seed agree bit for bit")
    words = f"two runs with one seed differ by {apart:.2g} of {where}"
    if apart < CLOSE:
        return Finding("warn", "one seed", words, "rounding: set reproducible: true if results must repeat exactly")
    cure = (
        "draw from the seeded generators of Python, numpy and torch only, and let data() give its examples in one order"
    )
    return Finding("fail", "one seed", words, cure)


def _round_trip(changed: str, resumed: float) -> Finding:
    cure = "keep all that training changes in the model (buffers), or in the checkpoint of a loop of your own"
    if changed:
        return Finding("fail", "checkpoint", f"what comes back from a checkpoint differs: {changed}", cure)
    if resumed >= CLOSE:
        return Finding("fail", "checkpoint", f"the epoch after a resume differs by {resumed:.2g}", cure)
    if resumed > 0:
        return Finding("warn", "checkpoint", f"the epoch after a resume differs by {resumed:.2g}: rounding", cure)
    return Finding("ok", "checkpoint", "written, read and resumed exactly")
