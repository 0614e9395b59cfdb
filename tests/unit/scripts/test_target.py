"""The benchmark of the time to a target: which runs are made, what they count as, and what a run costs."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

import bench_target
import service
from bench.optuna_run import suggest
from bench.to_target import MARK, Meter


def arguments(**changes: Any) -> argparse.Namespace:
    given = {"tasks": ["satellite", "digits"], "sides": ["sieve", "optuna"], "seeds": 2, "cap": 100.0}
    return argparse.Namespace(**given | changes)


def row(task: str, seed: int, side: str, target: float | None) -> dict[str, Any]:
    return {"task": task, "seed": seed, "side": side, "target": target, "end": 30.0, "cpu": 50.0, "load": [0.1, 2.0]}


def test_runs_that_are_there_are_not_made_again() -> None:
    every = list(bench_target.missing(arguments(), []))
    assert sorted(every) == sorted(
        (t, s, x) for t in ("satellite", "digits") for s in (1, 2) for x in ("sieve", "optuna")
    )
    done = [row("digits", 2, "sieve", 9.0)]
    assert list(bench_target.missing(arguments(), done)) == [run for run in every if run != ("digits", 2, "sieve")]


def test_a_run_that_was_cut_off_is_longer_than_the_cap_in_medians_and_the_cap_in_ratios() -> None:
    rows = [row("digits", seed, "optuna", seconds) for seed, seconds in ((1, None), (2, 30.0), (3, None))]
    assert bench_target.median(rows, "target", 100.0) == float("inf")
    assert bench_target.median([*rows[:2], row("digits", 3, "optuna", 20.0)], "target", 100.0) == 30.0
    ours = [row("digits", seed, "sieve", seconds) for seed, seconds in ((1, 20.0), (2, 60.0), (3, 50.0))]
    [words] = bench_target.ratios(rows + ours, arguments())
    assert words == "optuna: 2.00 times as long in the median; Sieve is slower in 1 of 3"


@pytest.mark.parametrize("task", bench_target.TARGETS)
def test_nothing_is_known_to_begin_with(task: str) -> None:
    spec = service.load(bench_target.spec_of(task, 3))
    assert (spec.search.initial, spec.search.seed) == ((), 3)
    assert spec.metric.target == bench_target.TARGETS[task]


class Drawn:
    """Suggests at random, within the bounds that it is given."""

    def __init__(self) -> None:
        self.draws = np.random.default_rng(0)

    def suggest_categorical(self, name: str, choices: list[Any]) -> Any:
        return choices[self.draws.integers(len(choices))]

    def suggest_int(self, name: str, low: int, high: int, log: bool) -> int:
        return int(self.draws.integers(low, high + 1))

    def suggest_float(self, name: str, low: float, high: float, log: bool) -> float:
        return float(self.draws.uniform(low, high))


@pytest.mark.parametrize("task", bench_target.TARGETS)
def test_what_optuna_suggests_is_in_the_space(task: str) -> None:
    space = service.load(bench_target.spec_of(task, 1)).space
    for _ in range(20):
        config = suggest(Drawn(), space)
        assert config.keys() == {parameter.name for parameter in space.active(config)} | space.constants.keys()
        space.check({name: value for name, value in config.items() if name not in space.constants})


CHILD = "import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"


def test_the_meter_finds_whoever_was_started_and_leaves_none() -> None:
    with Meter() as meter:
        environment = os.environ | {MARK: meter.mark}
        subprocess.run([sys.executable, "-c", CHILD], env=environment, check=True, start_new_session=True)
        orphans = [process for process in psutil.process_iter() if _marked(process, meter.mark)]
        assert len(orphans) == 1
    assert psutil.wait_procs(orphans, timeout=60)[1] == []


def _marked(process: psutil.Process, mark: str) -> bool:
    try:
        return Path(f"/proc/{process.pid}/environ").exists() and process.environ().get(MARK) == mark
    except psutil.Error:
        return False
