"""Plans that Sieve makes: `auto_plan`, and the ways to ask for one in a spec."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest

from service.spec import SpecError, TaskFacts, load
from service.spec.stage_plan.auto_stages import Load, auto_plan
from service.spec.stage_plan.steps import USEFUL, batches, stage_steps
from trainables.stages import Stage

RAW: dict[str, Any] = {
    "name": "digits",
    "task": "tasks:Digits",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {"batch_size": {"choice": [256, 64, 128]}},
}
FACTS = TaskFacts(examples=6400, validation=1000)


@pytest.mark.parametrize("epochs", [1, 2, 3, 10, 100])
@pytest.mark.parametrize("trials", [4, 16, 48, 1000, None])
@pytest.mark.parametrize("examples", [200, 3000, 10**6])
def test_plans_end_with_a_full_training_and_begin_with_enough_steps(
    epochs: int, trials: int | None, examples: int
) -> None:
    plan = auto_plan(epochs, trials, 4.0, Load(examples, examples // 5, 64))  # Plan checks its own rules.
    assert plan[plan.last] == Stage(1.0, epochs)
    if len(plan) > 1:
        steps = plan[0].epochs * plan[0].data * examples / 64
        assert steps >= USEFUL
        assert plan[0].cost <= 0.75 * epochs
    for before, after in itertools.pairwise(plan.stages[:-1]):
        assert after.cost > before.cost
    if trials is not None:
        assert len(plan) - 1 <= math.log(trials, 4) + 1e-9


def test_costs_of_many_steps_are_those_that_the_trials_allow() -> None:
    load_ = Load(10**6, 10**4)
    assert [auto_plan(100, trials, 4.0, load_)[0].cost for trials in (4, 16, 64)] == pytest.approx([25, 6.25, 1.7], 0.1)
    assert len(auto_plan(100, 3, 4.0, load_)) == 1


def test_a_task_of_few_steps_has_no_coarse_stage() -> None:
    assert auto_plan(5, 64, 4.0, Load(100, 20, 32)).stages == (Stage(1.0, 5),)


def test_stages_validate_no_longer_than_they_train() -> None:
    dear = auto_plan(100, 64, 4.0, Load(3000, 10**5, 64))
    assert dear[0].epochs < auto_plan(100, 64, 4.0, Load(3000, 100, 64))[0].epochs


@pytest.mark.parametrize(
    ("stages", "epochs", "assumed"), [(None, 10, True), ("auto", 10, True), ({"epochs": 16}, 16, False)]
)
def test_ways_to_ask_for_a_plan(stages: Any, epochs: int, assumed: bool) -> None:
    spec = load(RAW if stages is None else RAW | {"stages": stages})
    assert spec.planned is not None
    assert (spec.planned.epochs, spec.planned.assumed) == (epochs, assumed)
    assert spec.plan == auto_plan(epochs, 32, 4.0)
    assert any("is taken to be 10 epochs" in warning for warning in spec.warnings()) == assumed
    assert load(spec.to_dict()) == spec


@pytest.mark.parametrize(
    ("stages", "where", "words"),
    [
        ("atuo", "stages", "is 'atuo' (did you mean 'auto'?)"),
        (3, "stages", "is 3; write a list of stages, auto, or {epochs: N}"),
        ({"epochs": 0}, "stages/epochs", "epochs is 0"),
        ({"epochs": True}, "stages/epochs", "epochs is True"),
        ({"epoch": 3}, "stages/epoch", "unknown key 'epoch'"),
        ({}, "stages/epochs", "epochs is None"),
    ],
)
def test_mistakes_are_told_once(stages: Any, where: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        load(RAW | {"stages": stages})
    [violation] = caught.value.violations
    assert violation.where == where
    assert words in violation.message


def test_a_plan_is_fitted_to_the_task_once() -> None:
    spec = load(RAW | {"stages": {"epochs": 8}})
    fitted = spec.fitted(FACTS)
    assert fitted.plan == auto_plan(8, 32, 4.0, Load(6400, 1000, 128))
    assert fitted.facts == FACTS
    assert fitted.fitted(TaskFacts(examples=10, validation=10)) is fitted
    assert spec.fitted(None) is spec


def test_stages_that_were_given_stay() -> None:
    spec = load(RAW | {"stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 4}]})
    assert spec.fitted(FACTS).plan == spec.plan
    assert spec.planned is None


def test_fifo_has_a_single_stage() -> None:
    assert len(load(RAW | {"schedule": {"algorithm": "fifo"}}).plan) == 1


def test_steps_are_those_of_the_recipe_and_add_up_from_a_fresh_start() -> None:
    from trainables.recipe import Recipe

    stages = [{"data": 0.25, "epochs": 2}, {"data": 0.5, "epochs": 3}, {"data": 1.0, "epochs": 4, "start": "fresh"}]
    spec = load(RAW | {"stages": stages})
    sizes = batches(spec.space)
    assert sizes == (64, 128, 256)
    first, second, last = stage_steps(spec.plan, [257, 500, 1000], sizes)
    recipe = Recipe.parse({"batch_size": 128})
    assert first.median == 2 * recipe.steps(257)
    assert second.median == first.median + 3 * recipe.steps(500)
    assert last.median == 4 * recipe.steps(1000)
    assert first == (2, 4, 8)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, (128, 128, 128)),
        ({"batch_size": 32}, (32, 32, 32)),
        ({"batch_size": {"lograndint": [16, 257]}}, (16, 64, 256)),
        ({"batch_size": {"choice": ["a", "b"]}}, None),
    ],
)
def test_batch_sizes_of_a_space(parameters: dict[str, Any], expected: Any) -> None:
    space = load(RAW | {"parameters": {"lr": {"loguniform": [1e-4, 1]}, **parameters}}).space
    assert batches(space) == expected
