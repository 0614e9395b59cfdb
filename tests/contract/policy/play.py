"""A sweep without training: values by draw, workers that end in random order, trials that fail."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from service.policy.observation import Observation
from service.policy.policy import Policy
from service.policy.verdict import Ruling
from service.spec import Spec

STATES = {"continue": "RUNNING", "pause": "PAUSED", "stop": "STOPPED", "finish": "FINISHED"}
LOST = ("STOPPED", "FAILED")

Value = Callable[[int, int], float]


@dataclass(frozen=True)
class Event:
    """What happened to a trial: begin, fail, report, halt, promote, dismiss, or the verdict at the end of a stage.

    ``value`` came after ``done`` epochs of ``stage`` (-1 for none); a halt is a verdict before the stage's end.
    ``numbers`` are those of a verdict, or the config of a trial that begins.
    """

    kind: str
    trial: int
    stage: int = -1
    value: float | None = None
    reason: str = ""
    numbers: Any = None
    done: int = 0


@dataclass
class Play:
    """One sweep on ``workers`` workers; ``failures`` is the chance that a stage breaks its trial.

    ``value`` gives the metric of (trial, stage) at its end, before which it is less. The order of things follows from
    the seed alone, so that two plays of one seed differ only where their policies do. Whatever cannot follow upon a
    state is refused.
    """

    spec: Spec
    value: Value
    seed: int = 0
    workers: int = 4
    failures: float = 0.0
    foreign: type | None = None
    log: list[Event] = field(default_factory=list)
    trials: dict[int, Observation] = field(default_factory=dict)
    over: bool = False

    def __post_init__(self) -> None:
        self.policy = Policy(self.spec, self.foreign)

    def run(self, events: int | None = None) -> Play:
        """Go on until the end, or until there are ``events`` events."""
        while not self.over and (events is None or len(self.log) < events):
            self._step()
        return self

    def states(self) -> dict[int, str]:
        return {number: trial.state for number, trial in self.trials.items()}

    def reached(self, stage: int) -> list[int]:
        return [number for number, trial in self.trials.items() if stage in trial.values]

    def rebuilt(self) -> Play:
        """The same sweep with a policy that was shown what is on record, as a new head shows it."""
        other = replace(self, log=list(self.log), trials=dict(self.trials))
        waiting = sorted(self.trials, reverse=True)
        for event in self.log:
            if event.kind in ("begin", "fail", "dismiss"):
                continue
            while waiting and waiting[-1] <= event.trial:
                other.policy.begin(waiting.pop())
            if event.kind == "promote":
                other.policy.promoted(event.trial, event.stage)
            elif event.kind in ("report", "halt"):
                other.policy.watch(event.trial, event.stage, event.done, event.value)
            else:
                other.policy.judge(event.trial, event.stage, event.value, seconds(event.trial, event.stage))
        for number in reversed(waiting):
            other.policy.begin(number)
        for number, trial in self.trials.items():
            if trial.state in LOST:
                other.policy.drop(number)
        other._dismiss([ruling for ruling in other.policy.dismissals() if self.trials[ruling.trial].state == "PAUSED"])
        return other

    def _step(self) -> None:
        running = [number for number, trial in self.trials.items() if trial.state == "RUNNING"]
        if len(running) < self.workers:
            job = self.policy.next(list(self.trials.values()))
            if job is not None and job.ruling is not None:
                self._promote(job.ruling)
                return
            if job is not None:
                assert job.trial not in self.trials
                self._change(job.trial, "RUNNING", Event("begin", job.trial, numbers=job.config))
                return
            if not running:
                self._dismiss(self.policy.dismissals(over=True))
                self.over = True
                return
        draw = random.Random(f"{self.seed} {len(self.log)}")
        self._report(draw.choice(running), draw)

    def _report(self, number: int, draw: random.Random) -> None:
        trial = self.trials[number]
        stage, done = trial.stage + 1, self._done(number) + 1
        left = self.spec.plan[stage].epochs - done
        value = self.value(number, stage) - 1000 * left
        if draw.random() < self.failures:
            self._change(number, "FAILED", Event("fail", number))
            self.policy.drop(number)
        elif left:
            halt = self.policy.watch(number, stage, done, value)
            event = Event("halt" if halt else "report", number, stage, value, halt.reason if halt else "", done=done)
            self._change(number, "STOPPED" if halt else "RUNNING", event)
        else:
            verdict = self.policy.judge(number, stage, value, seconds(number, stage))
            event = Event(verdict.kind, number, stage, value, verdict.reason, dict(verdict.numbers), done)
            self._change(number, STATES[verdict.kind], event)
        self._dismiss(self.policy.dismissals())

    def _done(self, number: int) -> int:
        """Epochs of its present stage that a trial has reported."""
        newest = next((event for event in reversed(self.log) if event.trial == number and event.done), None)
        return newest.done if newest is not None and newest.kind == "report" else 0

    def _promote(self, ruling: Ruling) -> None:
        trial, verdict = self.trials[ruling.trial], ruling.verdict
        assert (trial.state, trial.stage, verdict.kind) == ("PAUSED", ruling.stage, "promote")
        value = trial.values[ruling.stage]
        event = Event("promote", ruling.trial, ruling.stage, value, verdict.reason, dict(verdict.numbers))
        self._change(ruling.trial, "RUNNING", event)

    def _dismiss(self, rulings: Any) -> None:
        for ruling in rulings:
            trial, verdict = self.trials[ruling.trial], ruling.verdict
            assert (trial.state, trial.stage, verdict.kind) == ("PAUSED", ruling.stage, "stop")
            value = trial.values[ruling.stage]
            event = Event("dismiss", ruling.trial, ruling.stage, value, verdict.reason, dict(verdict.numbers))
            self._change(ruling.trial, "STOPPED", event)

    def _change(self, number: int, state: str, event: Event) -> None:
        old = self.trials.get(number) or Observation(number, event.numbers, state)
        new = replace(old, state=state)
        if event.kind in STATES:
            known = sum(len(trial.values) for trial in self.trials.values())
            new = replace(
                new,
                values={**old.values, event.stage: event.value},
                order={**old.order, event.stage: known},
                verdicts={**old.verdicts, event.stage: event.kind},
                begun={**old.begun, event.stage: len(self.trials)},
            )
        self.trials[number] = new
        self.log.append(event)


def seconds(trial: int, stage: int) -> float:
    """What a stage takes: the same for a trial however often it is shown."""
    return (1.0 + trial % 7) * 4.0**stage
