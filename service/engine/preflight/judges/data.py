"""Findings on the examples of a task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from service.engine.preflight.finding import Finding, Level
from trainables.probe.evidence import ArrayEvidence, DataEvidence, Neighbours, Repeatable

TELLING = 0.15
"""The least nearest-neighbour accuracy of training examples above chance for which validation is judged."""
LIKE = 0.5
"""The fraction of training's margin over chance that validation should have, too."""
LIKELY, CERTAIN = 3.0, 5.0
"""Standard deviations: beyond the first it is worth a warning, beyond the second it is no chance."""
ALIKE = 1.25
"""The ratio of distances to training from which validation is another population, such as other people: no failure."""
OWN = "where targets are numbers, such as counts, write Data(..., labels=None) or give them as floats"


def data(seen: DataEvidence) -> Iterator[Finding]:
    """Shapes, classes of each stage, odd values, negative labels, leaks, and labels that do not go with inputs."""
    yield _shapes(seen)
    yield from _odd("train", seen.train)
    yield from _odd("validation", seen.validation)
    yield from _targets(seen)
    yield from _classes(seen)
    yield from _rare(seen)
    yield _leak(seen)
    if seen.neighbours is not None:
        yield from neighbours(seen.neighbours)


def _rare(seen: DataEvidence) -> Iterator[Finding]:
    """Stages that have more than their fraction, as classes that are too rare for it keep an example each."""
    for number, stage in enumerate(seen.stages):
        if stage.kept:
            share = stage.examples / seen.train[0].shape[0] if seen.train else 0.0
            many = (
                f"{stage.kept} classes keep one example each" if stage.kept > 1 else "one class keeps its one example"
            )
            evidence = f"stage {number}: {many}, too rare for its fraction; it has {share:.2g} of the examples"
            cure = f"raise its data; {OWN}"
            yield Finding("warn" if 3 * stage.kept > stage.examples else "ok", "rare classes", evidence, cure)


def repeatable(seen: Repeatable | None) -> Iterator[Finding]:
    """Whether ``data()`` gives the same examples at each call."""
    if seen == "redrawn":
        yield Finding(
            "warn",
            "data order",
            "not to be told: an example that is read twice differs, with the same seeds",
            "draw what the dataset draws from the generators of Python, numpy or torch that are seeded for it",
        )
    elif seen == "other":
        yield Finding(
            "fail",
            "data order",
            "two calls of data() give other examples, or the same in another order",
            "seed what data() draws and sort what it lists (files, sets): stages take examples by their position",
        )
    elif seen == "same":
        yield Finding("ok", "data order", "two calls of data() give the same examples in the same order")


def neighbours(found: Neighbours) -> Iterator[Finding]:
    """Whether validation labels go with their inputs as training labels do, by nearest neighbours."""
    if found.train - found.chance < TELLING:
        return
    by_chance = found.chance * (1 - found.chance) / max(1, found.compared)
    of_validation = max(found.validation * (1 - found.validation) / max(1, found.compared), by_chance)
    spread = math.sqrt(of_validation + found.train * (1 - found.train) / max(1, found.within))
    short = (found.train - found.validation) / max(spread, 1e-9)
    numbers = (
        f"{found.validation:.1%} of {found.compared} validation examples have the class of their nearest training "
        f"example, {found.train:.1%} within training, {found.chance:.1%} by chance"
    )
    cure = "look at how inputs and labels of the validation data are put together: one of them may be shuffled"
    if short > LIKELY and found.validation <= found.chance + LIKELY * math.sqrt(by_chance):
        level: Level = "fail" if short > CERTAIN and found.farther < ALIKE else "warn"
        yield Finding(level, "labels", f"validation labels do not go with their inputs: {numbers}", cure)
    elif short > LIKELY and found.validation - found.chance < LIKE * (found.train - found.chance):
        yield Finding("warn", "labels", f"validation is much unlike training: {numbers}", cure)
    elif (found.train - found.chance) / max(spread, 1e-9) < LIKELY:
        yield Finding("ok", "labels", f"too few to tell: {numbers}")
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
    if seen.negative and seen.own_loss:
        yield Finding("warn", "targets", f"{seen.negative} integer targets, taken for classes, are negative", OWN)
    elif seen.negative:
        cure = f"number the classes from 0; {OWN}"
        yield Finding("fail", "targets", f"{seen.negative} class labels are negative", cure)
    if seen.ignored and not seen.own_loss:
        evidence = f"{seen.ignored} class labels are -100: the loss ignores them, the accuracy counts them as wrong"
        yield Finding("warn", "targets", evidence, "leave these examples out, or out of metrics()")


def _classes(seen: DataEvidence) -> Iterator[Finding]:
    level: Level = "warn" if seen.own_loss else "fail"  # To such a loss an integer may be a number.
    if seen.unknown:
        evidence = f"validation has classes that training has not: {_some(seen.unknown)}"
        cure = "split the data so that every class is in both, e.g. stratified"
        yield Finding(level, "classes", evidence, _or_own(seen, cure))
    if seen.absent:
        evidence = f"validation has no example of {len(seen.absent)} of {seen.classes} classes: {_some(seen.absent)}"
        yield Finding(
            "warn", "classes", evidence, _or_own(seen, "split the data stratified, so that every class is judged")
        )
    untold = [set(stage.missing) - set(seen.unknown) for stage in seen.stages]
    for number, missing in enumerate(untold):
        if missing:
            evidence = f"stage {number} is validated on classes it does not train on: {_some(sorted(missing))}"
            yield Finding(level, "classes", evidence, _or_own(seen, f"raise data or classes of stages/{number}"))
    if seen.classes and not (seen.unknown or seen.absent or any(untold)):
        counts = ", ".join(str(stage.classes) for stage in seen.stages)
        yield Finding("ok", "classes", f"{seen.classes} classes, all in validation too; in the stages: {counts}")


def _leak(seen: DataEvidence) -> Finding:
    if not seen.compared:
        return Finding("ok", "leak", "nothing to compare: no two examples of one size")
    size = seen.train[0].shape[0] if seen.train else seen.known
    training = "a training example" if seen.known >= size else f"one of {seen.known} of {size} training examples"
    if not seen.leaked:
        return Finding("ok", "leak", f"none of {seen.compared} validation examples has the inputs of {training}")
    share = seen.leaked / seen.compared
    words = f"{seen.leaked} of {seen.compared} validation examples ({share:.1%}) have the inputs of {training}"
    if seen.known < size:
        words += f", so about {min(1.0, share * size / seen.known):.0%} those of any"
    cure = "remove them from one of the two, or the validation value tells how well the model remembers"
    return Finding("warn", "leak", words, cure)


def _or_own(seen: DataEvidence, cure: str) -> str:
    return f"{cure}; {OWN}" if seen.own_loss else cure


def _some(labels: Sequence[int], most: int = 8) -> str:
    return ", ".join(map(str, labels[:most])) + (f" and {len(labels) - most} more" if len(labels) > most else "")
