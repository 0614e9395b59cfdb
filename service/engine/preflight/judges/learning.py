"""Findings on a model that learns: its first loss, one batch by heart, gradients, what it tells of validation."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from service.engine.preflight.finding import Finding
from trainables.probe.evidence import FirstEvidence, LearningEvidence, Signal, fall

NEAR = 0.5
"""How far from ln(classes) a first loss may be, relative to it."""
FAR = 10.0
"""A loss of the task's own, or of a real target, may be so many times what is expected."""
LEARNT, HARDLY = 0.3, 0.03
"""A loss of one batch that fell by the first share of its start (see `fall`) is learnt, below the second not at all."""
CLEAR, NOTHING = 0.1, 1e-3
"""The same of a loss that began at 0 or below, whose floor is not known."""
SEEN, LOST = 8.0, 3.0
"""Standard deviations from chance: training beyond the first with validation within the second is a finding."""
CERTAIN = 5.0
"""Joint standard deviations by which validation must fall short of training for it not to be by chance."""
LIKE = 0.2
"""The fraction of training's margin over chance below which validation is much unlike it."""


def first(seen: FirstEvidence) -> Iterator[Finding]:
    """The first loss against ln(classes), or the target's variance; and metrics that cannot be computed."""
    error = (seen.error or "").rstrip(".")
    if seen.loss is None:
        yield Finding("fail", "first loss", f"a batch cannot be evaluated: {error}", "correct the task")
        return
    yield from _first(seen, seen.loss)
    if seen.spread:
        cure = "give both one shape, e.g. model(x)[:, 0] or y[:, None]: each prediction is compared with every target"
        yield Finding("fail", "first loss", seen.spread, cure)
    if error:
        yield Finding("fail", "metrics", f"cannot be computed: {error}", "correct metrics() or summary() of the task")


def _first(seen: FirstEvidence, loss: float) -> Iterator[Finding]:
    if not math.isfinite(loss):
        yield Finding("fail", "first loss", f"the loss of an untrained model is {loss:g}", _INPUTS)
        return
    expected = math.log(seen.classes) if seen.classes and seen.classes > 1 else seen.variance
    what = f"ln({seen.classes}) = {expected:.3g}" if seen.classes else f"the target's variance, {expected or 0:.3g}"
    if not expected or loss < 0:
        yield Finding("ok", "first loss", f"{loss:.3g}")
    elif seen.classes and not seen.own_loss:
        near = abs(loss - expected) <= NEAR * expected
        yield _loss(near, f"{loss:.3g}, where an untrained model should be near {what}")
    else:
        yield _loss(loss <= FAR * expected, f"{loss:.3g}, beside {what}")


_INPUTS = "scale the inputs (mean 0, deviation 1) and look at the last layer and the loss"


def _loss(near: bool, evidence: str) -> Finding:
    return Finding("ok", "first loss", evidence) if near else Finding("warn", "first loss", evidence, _INPUTS)


def learning(seen: LearningEvidence) -> Iterator[Finding]:
    """One batch by heart, and the gradients of each parameter."""
    if not seen.connected:
        yield Finding(
            "fail",
            "gradients",
            "no parameter gets a gradient: the loss is not connected to the model",
            "compute the loss from the model's output, without detach(), .item(), argmax or torch.no_grad()",
        )
        return
    yield _by_heart(seen)
    yield from gradients(seen)


def _by_heart(seen: LearningEvidence) -> Finding:
    words = f"the loss of one batch went from {seen.before:.3g} to {seen.after:.3g} in {seen.steps} steps ({seen.by})"
    fell = fall(seen.before, seen.after)
    learnt, hardly = (LEARNT, HARDLY) if seen.before > 0 else (CLEAR, NOTHING)
    if not math.isfinite(seen.after) or fell <= hardly:
        return Finding(
            "fail", "one batch", words, "a sound task learns one batch by heart: check loss, targets and model"
        )
    if fell < learnt:
        return Finding(
            "warn", "one batch", words, "it learns little of one batch: check loss, scale of inputs, dropout"
        )
    return Finding("ok", "one batch", words)


def gradients(seen: LearningEvidence) -> Iterator[Finding]:
    """Finite gradients, and parameters that get none, never move, or are frozen."""
    if seen.broken:
        evidence = f"gradients are NaN or infinite: {names(seen.broken)}"
        yield Finding("fail", "gradients", evidence, "look for a division, root or logarithm at 0 in model and loss")
    else:
        yield Finding("ok", "gradients", "finite in every step")
    if seen.frozen:
        cure = "fine if meant; else let them require a gradient"
        yield Finding("warn", "parameters", f"frozen (requires_grad is False): {names(seen.frozen)}", cure)
    if seen.silent:
        cure = "use them in forward(), without detach(), or remove them"
        yield Finding("warn", "parameters", f"get no gradient: {names(seen.silent)}", cure)
    if seen.unchanged:
        cure = "their gradient is 0: dead units, a factor of 0 or a detached path; look at what follows them"
        yield Finding("warn", "parameters", f"never change: {names(seen.unchanged)}", cure)
    if not (seen.frozen or seen.silent or seen.unchanged):
        yield Finding("ok", "parameters", "every parameter gets a gradient and moves")


def signal(seen: Signal) -> Iterator[Finding]:
    """The finding of the permutation test: whether validation improves with training."""
    train = _deviations(seen.train, seen.train_drawn, seen.train_spread)
    validation = _deviations(seen.validation, seen.validation_drawn, seen.validation_spread)
    lift = (seen.train - seen.train_drawn) or 1.0
    share = (seen.validation - seen.validation_drawn) / lift
    spread = max(math.hypot(seen.train_spread, seen.validation_spread), 1e-9)
    short = (1 - share) * abs(lift) / spread
    words = (
        f"after a short training {seen.train:.3g} on training data ({seen.train_drawn:.3g} with targets drawn anew), "
        f"{seen.validation:.3g} on validation data ({seen.validation_drawn:.3g})"
    )
    cure = "look at how inputs and targets of the validation data are put together: one of them may be shuffled"
    if seen.validation_spread == 0:
        yield Finding("ok", "generalization", f"{words}: drawing targets changes nothing there, so there is no telling")
    elif train < SEEN:
        yield Finding("ok", "generalization", f"{words}: too early to tell")
    elif abs(lift) < CERTAIN * spread:
        yield Finding("ok", "generalization", f"{words}: too few to tell")
    elif short > CERTAIN and (abs(validation) < LOST or share <= 0):
        yield Finding("fail", "generalization", f"{words}: validation is at chance", cure)
    elif short > CERTAIN and share < LIKE:
        yield Finding("warn", "generalization", f"{words}: validation is much unlike training", cure)
    else:
        yield Finding("ok", "generalization", words)


def _deviations(value: float, mean: float, spread: float) -> float:
    return abs(value - mean) / max(spread, 1e-9)


def names(parameters: Sequence[str], most: int = 6) -> str:
    """The first few names, and how many more there are."""
    return ", ".join(parameters[:most]) + (f" and {len(parameters) - most} more" if len(parameters) > most else "")
