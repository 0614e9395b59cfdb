"""DEHB: differential evolution under Hyperband."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable
from typing import Any

from dehb import DEHB

from bench.peers.configspace import level, space
from bench.problems.problems import Problem
from bench.problems.world import Verdict, Work

_REDUCTION = 3


class Evolution:
    """DEHB driven by ask and tell; a config keeps its number when promoted and so goes on, where training resumes."""

    every_level = False

    def __init__(self, problem: Problem, seed: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._dehb = DEHB(
            cs=space(problem, seed),
            min_fidelity=problem.resources[0],
            max_fidelity=problem.resources[-1],
            eta=_REDUCTION,
            n_workers=1,  # of its own cluster, which ask and tell do without
            seed=seed,
            output_path=self._folder.name,
            log_level="ERROR",
            save_freq="end",
        )
        self._problem = problem
        self._asked: dict[tuple[Hashable, int], list[dict[str, Any]]] = {}

    def next(self) -> Work | None:
        job = self._dehb.ask()
        work = Work(job["config_id"], dict(job["config"]), level(self._problem, job["fidelity"]))
        self._asked.setdefault((work.key, work.level), []).append(job)
        return work

    def report(self, key: Hashable, level: int, loss: float, seconds: float) -> Verdict:
        self._dehb.tell(self._asked[key, level].pop(0), {"fitness": loss, "cost": seconds})
        return "pause"


def dehb(problem: Problem, seed: int) -> Evolution:
    """DEHB (Awad et al., 2021)."""
    return Evolution(problem, seed)
