"""The evaluation of ``bench_transfer.py`` on made-up trainings whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from bench.transfer import evaluation
from bench.transfer.scores import WORST, Scores, scores
from bench.transfer.setups import SETUPS
from bench.transfer.trainings import AS_IS, DECAY, FULL, SMALL, SMALL_SLOW, STEPS, TWICE, jobs, variant
from trainables.stages import Stage

CONFIGS = 40


def made(task: str, noise: dict[str, float], seed: int = 0) -> Scores:
    """A task whose configs have the values 0 to 1, seen by each variant with so much noise."""
    draws, quality = np.random.default_rng(seed), np.linspace(0, 1, CONFIGS)
    records: list[dict[str, Any]] = []
    for config in range(CONFIGS):
        for job in jobs(task, config):
            count = 3 if job.variant == STEPS else 1
            seen = [quality[config] + draws.normal() * noise.get(job.variant, 0.3) / (1 + k) for k in range(count)]
            records.append({**vars(job), "values": seen, "seconds": [1.0] * count, "steps": 10 * count})
    return scores(task, 1, records)


def test_a_variant_that_tells_more_is_seen_as_such() -> None:
    every = [made(name, {FULL: 0.0, SMALL: 0.05, TWICE: 0.3}, seed) for seed, name in enumerate("abc")]
    found = evaluation.changes(every, draws=40)
    assert found[SMALL]["all"]["low"] > 0
    assert found[TWICE]["all"]["low"] < 0 < found[TWICE]["all"]["high"]
    assert found[STEPS]["cost"] == [3.0, 3.0]
    assert found[STEPS]["all, equal cost"]["mean"] == 0.0
    rows = evaluation.by_steps(every, draws=20)
    assert [row["steps"] for row in rows] == [12, 16, 24]
    assert rows[-1]["mean"] > rows[0]["mean"]


def test_whoever_knows_all_has_no_regret() -> None:
    one = made("a", {FULL: 0.0, SMALL: 0.0, AS_IS: 5.0})
    rows = evaluation.whole(one)
    assert evaluation.regret(one.coarse[SMALL], one.full, rows, 1) == 0.0
    lost = evaluation.regret(one.coarse[AS_IS], one.full, rows, 1)
    assert lost > evaluation.regret(one.coarse[AS_IS], one.full, rows, 4) > 0.0
    assert evaluation.agreement(one.coarse[SMALL], one.full, rows) == pytest.approx(1.0)


def test_correlations_are_those_of_scipy_also_with_ties() -> None:
    draws = np.random.default_rng(0)
    one, other = draws.integers(5, size=12), draws.integers(5, size=12)
    assert evaluation.spearman(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert evaluation.spearman(np.zeros(4), np.arange(4.0)) == 0.0


def test_what_diverged_is_the_worst_and_configs_that_lack_a_training_are_left_out() -> None:
    records = [
        {**vars(job), "values": [None if config == 0 else 0.5], "seconds": [1.0], "steps": 3}
        for config in range(3)
        for job in jobs("a", config)
    ]
    found = scores("a", 1, records[:-1])
    assert len(found.full) == 2
    assert found.full.tolist() == [WORST, 0.5]


def test_variants_change_what_they_say() -> None:
    config, stage = {"batch_size": 100, "lr": 1.0, "weight_decay": 0.1}, Stage(0.0625, 4)
    assert variant(AS_IS, config, stage) == (config, stage)
    assert variant(SMALL, config, stage) == ({**config, "batch_size": 25}, stage)
    assert variant(SMALL_SLOW, config, stage) == ({**config, "batch_size": 25, "lr": 0.5}, stage)
    assert variant(DECAY, config, stage) == ({**config, "weight_decay": 1.6}, stage)
    assert variant(STEPS, config, stage) == (config, Stage(0.0625, 16))
    assert variant(TWICE, config, stage) == (config, Stage(0.125, 4))


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_configs_are_the_same_however_many_are_asked_for(setup: Any) -> None:
    assert setup.configs(5) == setup.configs(9)[:5]
