"""Findings on the examples of a task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from service.engine.preflight.finding import Finding
from trainables.probe.evidence import ArrayEvidence, DataEvidence, Neighbours

TELLING = 0.15
"""How far above chance training examples must go with their neighbours before validation is asked the same."""
LIKE = 0.5
"""The share of training's distance from chance that validation should have, too."""
CERTAIN = 3.0
"""Standard deviations."""


def data(seen: DataEvidence) -> Iterator[Finding]:
    """Shapes, classes of each stage, odd values, negative labels, leaks, and labels that do not go with inputs."""
    yield _shapes(seen)
    yield from _odd("train", seen.train)
    yield from _odd("validation", seen.validation)
    yield from _targets(seen)
    yield from _classes(seen)
    yield _leak(seen)
    if seen.neighbours is not None:
        yield from neighbours(seen.neighbours)


def repeatable(same: bool | None) -> Iterator[Finding]:
    """Whether ``data()`` gives the same examples at each call."""
    if same is False:
        yield Finding(
            "fail",
            "data order",
            "two calls of data() give other examples, or the same in another order",
            "seed what data() draws and sort what it lists (files, sets): stages take examples by their position",
        )
    elif same:
        yield Finding("ok", "data order", "two calls of data() give the same examples in the same order")


def neighbours(found: Neighbours) -> Iterator[Finding]:
    """Whether validation labels go with their inputs as training labels do, by nearest neighbours."""
    if found.train - found.chance < TELLING:
        return
    spread = math.sqrt(found.chance * (1 - found.chance) / max(1, found.compared))
    numbers = (
        f"{found.validation:.1%} of {found.compared} validation examples have the class of their nearest training "
        f"example, {found.train:.1%} within training, {found.chance:.1%} by chance"
    )
    cure = "look at how inputs and labels of the validation data are put together: one of them may be shuffled"
    if found.validation <= found.chance + CERTAIN * spread:
        yield Finding("fail", "labels", f"validation labels do not go with their inputs: {numbers}", cure)
    elif found.validation - found.chance < LIKE * (found.train - found.chance):
        yield Finding("warn", "labels", f"validation is much unlike training: {numbers}", cure)
    else:
        yield Finding("ok", "labels", numbers)


def _shapes(seen: DataEvidence) -> Finding:
    stages = ", ".join(f"{stage.examples}" for stage in seen.stages)
    words = f"train {_spoken(seen.train)}; validation {_spoken(seen.validation)}; examples of the stages: {stages}"
    return Finding("ok", "data", words)


def _spoken(arrays: Sequence[ArrayEvidence]) -> str:
    return ", ".join(f"{one.dtype} {'×'.join(map(str, one.shape))}" for one in arrays) or "of various sizes"


def _odd(split: str, arrays: Sequence[ArrayEvidence]) -> Iterator[Finding]:
    for number, array in enumerate(arrays):
        if array.odd:
            target = number == len(arrays) - 1 and len(arrays) > 1
            what = f"{'targets' if target else 'inputs'} of the {split} data"
            evidence = f"{array.odd} entries of the {what} are NaN or infinite (array {number}, {array.dtype})"
            yield Finding("fail", "finite data", evidence, "leave these examples out or fill the gaps in data()")


def _targets(seen: DataEvidence) -> Iterator[Finding]:
    if seen.negative:
        yield Finding(
            "warn" if seen.own_loss else "fail",
            "targets",
            f"{seen.negative} class labels are negative",
            "number the classes from 0, or give Data(labels=...) where the last array holds no classes",
        )


def _classes(seen: DataEvidence) -> Iterator[Finding]:
    if seen.unknown:
        evidence = f"validation has classes that training has not: {_some(seen.unknown)}"
        yield Finding("fail", "classes", evidence, "split the data so that every class is in both, e.g. stratified")
    if seen.absent:
        evidence = f"validation has no example of {len(seen.absent)} of {seen.classes} classes: {_some(seen.absent)}"
        yield Finding("warn", "classes", evidence, "split the data stratified, so that every class is judged")
    untold = [set(stage.missing) - set(seen.unknown) for stage in seen.stages]
    for number, missing in enumerate(untold):
        if missing:
            evidence = f"stage {number} is validated on classes it does not train on: {_some(sorted(missing))}"
            yield Finding("fail", "classes", evidence, f"raise data or classes of stages/{number}")
    if seen.classes and not (seen.unknown or seen.absent or any(untold)):
        counts = ", ".join(str(stage.classes) for stage in seen.stages)
        yield Finding("ok", "classes", f"{seen.classes} classes, all in validation too; in the stages: {counts}")


def _leak(seen: DataEvidence) -> Finding:
    if not seen.compared:
        return Finding("ok", "leak", "nothing to compare: no two examples of one size")
    share = f"{seen.leaked} of {seen.compared} validation examples"
    if not seen.leaked:
        return Finding(
            "ok", "leak", f"none of {seen.compared} validation examples has the inputs of a training example"
        )
    cure = "remove them from one of the two, or the validation value tells how well the model remembers"
    return Finding(
        "warn", "leak", f"{share} ({seen.leaked / seen.compared:.1%}) have the inputs of a training example", cure
    )


def _some(labels: Sequence[int], most: int = 8) -> str:
    return ", ".join(map(str, labels[:most])) + (f" and {len(labels) - most} more" if len(labels) > most else "")
