"""Bad parameters get a message with the value, what is allowed and the cure; good ones are read in every form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.spec.errors import SpecError
from service.spec.space.space import Space

LR = {"loguniform": [1e-4, 1]}


def refusal(raw: Any) -> str:
    with pytest.raises(SpecError) as caught:
        Space.parse(raw)
    return str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({}, "parameters: no parameter is searched; give at least one a sampler"),
        ({"x": 1}, "parameters: no parameter is searched"),
        ([1], "parameters: is [1]; write a mapping"),
        (
            {"lr": {"loguniform": [0, 1]}},
            "parameters/lr: low is 0.0; loguniform needs low > 0: use e.g. 1e-6, or uniform",
        ),
        ({"n": {"lograndint": [0, 9]}}, "low is 0; lograndint needs low > 0: use e.g. 1, or randint"),
        ({"x": {"qloguniform": [0, 9, 1]}}, "qloguniform needs low > 0"),
        ({"x": {"uniform": [1, 0]}}, "low is 1.0 and high 0.0; uniform needs low < high: swap them"),
        ({"x": {"randint": [3, 3]}}, "low and high are both 3"),
        ({"x": {"uniform": [-1.7e308, 1.7e308]}}, "wider than a float can hold"),
        ({"x": {"quniform": [0, 1, 0.3]}}, "high is 1.0; quniform needs multiples of q = 0.3: use e.g. 0.9"),
        ({"x": {"quniform": [0, 1, 0]}}, "q is 0.0; quniform needs q > 0"),
        ({"x": {"qrandint": [5, 7, 4]}}, "no multiple of q = 4 lies from 5 to 7"),
        ({"x": {"randn": [0, 0]}}, "sd is 0.0; randn needs sd > 0"),
        ({"x": {"randint": [0, 2.5]}}, "high is 2.5; randint takes an integer here, e.g. 2"),
        ({"x": {"uniform": ["a", 1]}}, "low is 'a'; uniform takes a finite number"),
        ({"x": {"uniform": [0, True]}}, "high is True; uniform takes a finite number"),
        ({"x": {"uniform": [0, float("inf")]}}, "inf cannot be stored"),
        ({"x": {"uniform": [0]}}, "uniform got [0]; write uniform: [low, high]"),
        ({"x": {"uniform": [0, 1, 2]}}, "uniform got [0, 1, 2]; write uniform: [low, high]"),
        ({"x": {"uniform": {"low": 0}}}, "uniform got {'low': 0}; write a list, uniform: [low, high]"),
        ({"x": {"choice": 3}}, "choice got 3; write a list"),
        (
            {"x": {"choice": [(8, 16), 3]}},
            "choice lists the tuple (8, 16), which would reach the task as a list; write",
        ),
        ({"x": {"grid_search": [[(1, 2)]]}}, "grid_search lists [(1, 2)], with a tuple that would reach the task as"),
        (
            {"x": {"qloguniform": [1e-4, 1e-1, 5e-4]}},
            "low is 0.0001; qloguniform needs multiples of q = 0.0005: use e.g. 0.0005",
        ),
        (
            {"x": {"qloguniform": [0, 1e-1, 5e-4]}},
            "low is 0.0; qloguniform needs low > 0: use e.g. 0.0005, or quniform",
        ),
        ({"x": {"qlograndint": [0, 8, 2]}}, "low is 0; qlograndint needs low > 0: use e.g. 2, or qrandint"),
        ({"x": {"choice": []}}, "choice lists no values"),
        ({"x": {"choice": [1, 2, 1.0]}}, "1.0 is listed twice"),
        ({"x": {"choice": [{"a": 1}, {"b": 2}]}}, "is a mapping; choice takes single values"),
        ({"x": {"choice": [print]}}, "of type builtin_function_or_method cannot be stored"),
        ({"x": {"loguniforn": [1, 2]}}, "unknown sampler 'loguniforn' (did you mean 'loguniform'?); allowed: uniform,"),
        ({"x": {"log_uniform": [1, 2]}}, "did you mean 'loguniform'?"),
        ({"x": {"normal": [0, 1]}}, "did you mean 'randn'?"),
        ({"x": {"gamma": [1, 2], "when": {"lr": [1]}}}, "unknown sampler 'gamma'"),
        ({"x": {"uniform": [0, 1], "default": 3}}, "has the keys uniform, default; write exactly one sampler"),
        ({"x": {"when": {"lr": [1]}}}, "has the keys when; write exactly one sampler"),
        ({"x": {"constant": {"a": 1}}}, "write each of its keys as a constant of its own"),
        ({"choice": LR}, "'choice' is the name of a sampler or keyword; rename the parameter"),
        ({"a//b": LR}, "has an empty part"),
        ({1: LR}, "the name 1 is not text"),
        ({"a/b": LR, "a": {"b": 3}}, "'a/b' is given twice, nested and flat"),
        ({"a": LR, "a/b": 3}, "rename one of them"),
    ],
)
def test_refused(raw: Any, message: str) -> None:
    assert message in refusal(raw)


@pytest.mark.parametrize(
    ("when", "message"),
    [
        (
            {"optimiser": ["sgd"]},
            "parameters/x/when/optimiser: there is no parameter 'optimiser' (did you mean 'optimizer'?)",
        ),
        (
            {"optimizer": ["sdg"]},
            "parameters/x/when/optimizer: 'sdg' is outside the space; allowed: one of 'sgd', 'adam'",
        ),
        ({"lr": [0.1]}, "'lr' is a loguniform, which hits no value exactly"),
        ({"norm": [0.1]}, "'norm' is a constant"),
        ({"optimizer": []}, "lists no values"),
        ({}, "when is {}; write the values"),
        ("sgd", "when is 'sgd'; write the values"),
        ({"x": [1]}, "the conditions go in a circle, x → x"),
    ],
)
def test_conditions_refused(when: Any, message: str) -> None:
    raw = {"optimizer": {"choice": ["sgd", "adam"]}, "lr": LR, "norm": 3, "x": {"choice": [1, 2], "when": when}}
    assert message in refusal(raw)


def test_circles_are_named_in_full() -> None:
    raw = {
        "a": {"choice": [1, 2], "when": {"b": 1}},
        "b": {"choice": [1, 2], "when": {"c": 1}},
        "c": {"choice": [1, 2], "when": {"a": 1}},
        "d": {"choice": [1, 2], "when": {"a": 1}},
    }
    assert "parameters/b/when: the conditions go in a circle, b → c → a → b; drop one of them" in refusal(raw)
    assert "parameters/d" not in refusal(raw)


def test_conditions_that_can_never_hold_together_are_named_once() -> None:
    raw = {
        "optimizer": {"choice": ["sgd", "adam", "lion"]},
        "nesterov": {"choice": [True, False], "when": {"optimizer": ["sgd", "lion"]}},
        "fine": {"uniform": [0, 1], "when": {"nesterov": True, "optimizer": ["lion", "adam"]}},
        "beta": {"uniform": [0, 1], "when": {"nesterov": True, "optimizer": "adam"}},
        "below": {"uniform": [0, 1], "when": {"deep": 1}},
        "deep": {"choice": [1, 2], "when": {"middle": 1}},
        "middle": {"choice": [1, 2], "when": {"nesterov": True, "optimizer": "adam"}},
    }
    with pytest.raises(SpecError) as caught:
        Space.parse(raw)
    assert [v.where for v in caught.value.violations] == ["parameters/beta/when", "parameters/middle/when"]
    says = "can never hold: nesterov needs optimizer to be 'sgd' or 'lion', beta 'adam'; drop one of the conditions"
    assert caught.value.violations[0].message == says


def test_all_violations_come_together_and_none_twice() -> None:
    raw = {
        "lr": {"loguniform": [0, 1]},
        "deep": {"drop": {"uniform": [1, 0]}},
        "x": {"choice": [1, 2], "when": {"lr": [3], "y": [1]}},
    }
    with pytest.raises(SpecError) as caught:
        Space.parse(raw)
    assert [v.where for v in caught.value.violations] == [
        "parameters/lr",
        "parameters/deep/drop",
        "parameters/x/when/y",
    ]


def test_forms_of_the_same_space() -> None:
    nested = {"opt": {"lr": LR, "betas": {"constant": [0.9, 0.99]}}, "act": {"choice": ["relu", None]}}
    flat = {"opt/lr": LR, "opt/betas": {"constant": (0.9, np.float64(0.99))}, "act": {"choice": ("relu", None)}}
    space = Space.parse(nested)
    assert space == Space.parse(flat)
    assert space.constants == {"opt/betas": [0.9, 0.99]}
    assert [p.name for p in space.parameters] == ["opt/lr", "act"]


def test_arguments_are_completed_and_typed() -> None:
    space = Space.parse(
        {"a": {"randn": []}, "b": {"randint": [1, 1e3]}, "c": {"qrandint": [0, 8]}, "d": {"uniform": [0, 1]}}
    )
    assert [p.args for p in space.parameters] == [(0.0, 1.0), (1, 1000), (0, 8, 1), (0.0, 1.0)]
    assert isinstance(space.parameters[1].args[1], int)


def test_a_folder_with_a_suspicious_name_can_be_made_explicit() -> None:
    space = Space.parse({"lr": LR, "layers": {"normal": {"constant": [0, 1]}}})
    assert space.constants == {"layers/normal": [0, 1]}
    assert Space.parse(space.raw()) == space


def test_values_are_told_apart_as_a_person_does() -> None:
    assert "1.0 is listed twice" in refusal({"a": {"choice": [1, True, [1], [[True]], 1.0]}})
    assert "[1.0] is listed twice" in refusal({"a": {"choice": [[1], [1.0]]}})


def test_names_have_few_parts() -> None:
    assert "has 33 parts joined by slashes, more than 32" in refusal({"/".join("a" * 33): {"uniform": [0, 1]}})


def test_steps_that_cannot_be_counted() -> None:
    assert "too many steps of q" in refusal({"a": {"quniform": [0, 1e15, 1e-300]}})


def test_conditions_hang_on_one_another_no_further_than_that() -> None:
    chain = {f"p{i}": {"choice": [1, 2], "when": {f"p{i - 1}": [1]}} for i in range(1, 3000)}
    assert "parameters/p33/when: hangs on a chain of 33 conditions" in refusal({"p0": {"choice": [1, 2]}} | chain)


def test_conditions_that_meet_again_are_followed_once() -> None:
    """Each of 31 levels hangs on both parameters of the level above: there are 2 to the 30 ways up."""
    raw = {name: {"choice": [1, 2]} for name in ("a0", "b0")}
    for level in range(1, 31):
        when = {f"{above}{level - 1}": [1] for above in "ab"}
        raw |= {f"{name}{level}": {"choice": [1, 2], "when": when} for name in "ab"}
    space = Space.parse(raw)
    assert len(space.active({parameter.name: 1 for parameter in space.parameters})) == 62


def test_much_is_read_in_no_time() -> None:
    """Where the time was the square or the cube of what is listed, this took hours."""
    many = list(range(10_000))
    Space.parse({"a": {"choice": many}, "b": {"uniform": [0, 1], "when": {"a": many}}})
    assert "and 9980 more" in refusal({"a": {"choice": many}, "b": {"uniform": [0, 1], "when": {"a": -1}}})


FOREIGN = [
    # W&B
    ({"values": [8, 16]}, "write choice: [8, 16]"),
    ({"values": [8, 16], "probabilities": [0.3, 0.7]}, "write choice: [8, 16]"),
    ({"value": 8}, "write the value itself, 8"),
    ({"min": 1, "max": 8}, "write randint: [1, 9], whose upper bound is exclusive"),
    ({"min": 0.1, "max": 1}, "write uniform: [0.1, 1]"),
    ({"min": 0, "max": 1, "distribution": "uniform"}, "write uniform: [0, 1]"),
    ({"min": 1e-4, "max": 1, "distribution": "log_uniform_values"}, "write loguniform: [0.0001, 1]"),
    ({"min": -9.2, "max": 0, "distribution": "log_uniform"}, "write loguniform: [low, high]"),
    ({"min": 2, "max": 8, "q": 2, "distribution": "q_uniform"}, "write quniform: [2, 8, 2]"),
    ({"mu": 0, "sigma": 2, "distribution": "normal"}, "write randn: [0, 2]"),
    ({"distribution": "categorical"}, "write choice: [first, second]"),
    ({"distribution": "beta"}, "write one of uniform, quniform,"),
    # NNI
    ({"_type": "choice", "_value": [8, 16]}, "write choice: [8, 16]"),
    ({"_type": "loguniform", "_value": [1e-4, 1]}, "write loguniform: [0.0001, 1]"),
    ({"_type": "normal", "_value": [0, 1]}, "write randn: [0, 1]"),
    ({"_type": "randint", "_value": [0, 8]}, "write randint: [0, 8]"),
    # Ax
    ({"type": "range", "bounds": [1e-4, 1.0], "log_scale": True}, "write loguniform: [0.0001, 1.0]"),
    ({"name": "n", "type": "range", "bounds": [1, 8], "value_type": "int"}, "write randint: [1, 9], whose upper"),
    ({"type": "choice", "values": ["a", "b"]}, "write choice: ['a', 'b']"),
    ({"type": "fixed", "value": 3}, "write the value itself, 3"),
    # Optuna and others
    ({"type": "float", "low": 1e-4, "high": 1, "log": True}, "write loguniform: [0.0001, 1]"),
    ({"low": 1, "high": 8}, "write randint: [1, 9], whose upper bound is exclusive"),
    ({"lower": 0.5, "upper": 0.75}, "write uniform: [0.5, 0.75]"),
    ({"choices": ["a", "b"]}, "write choice: ['a', 'b']"),
    # what only looks like a list of values or a sampler
    ([8, 16], "write choice: [8, 16]"),
    ((8, 16), "write choice: [8, 16]"),
    ([], "write choice: [first, second]"),
    ("loguniform(1e-4, 1)", "write loguniform: [1e-4, 1]"),
    ("tune.choice([8, 16])", "write choice: [8, 16]"),
    ("choice(8, 16)", "write choice: [8, 16]"),
]


@pytest.mark.parametrize(("form", "cure"), FOREIGN)
def test_the_samplers_of_other_tools_are_refused_with_ours(form: Any, cure: str) -> None:
    says = refusal({"lr": LR, "x": form, "deep": {"x": form}})
    assert f"parameters/x: is {form!r}, which would be a constant; {cure}" in says
    assert f"parameters/deep/x: is {form!r}, which would be a constant; {cure}" in says


@pytest.mark.parametrize(
    "form",
    [
        {"value": {"constant": 8}},
        {"min": {"uniform": [0, 1]}, "max": {"constant": 3}},
        {"type": "relu", "value": {"uniform": [0, 1]}},
        {"type": "relu", "slope": 0.1},
        {"max": 3},
        {"name": "a", "size": 3},
        {"constant": [8, 16]},
        {"constant": "choice(8, 16)"},
    ],
)
def test_constants_and_folders_of_such_names_can_be_had(form: Any) -> None:
    space = Space.parse({"lr": LR, "x": form})
    assert Space.parse(space.raw()) == space
    flat = Space.parse({"lr": LR, "x/value": 8, "x/min": 1, "x/max": 2})
    assert Space.parse(flat.raw()) == flat


@pytest.mark.parametrize("args", [[1e-4, 1e-1, 5e-4], [0, 1, 0.3], [-1, 1, 0.5], [1e-6, 2, 0.7]])
def test_the_advice_for_a_quantized_range_leads_out(args: list[float]) -> None:
    for _ in range(3):
        try:
            Space.parse({"x": {"qloguniform": args}})
        except SpecError as error:
            message = str(error)
            wrong = 0 if message.startswith("parameters/x: low") else 1
            args[wrong] = float(message.partition("use e.g. ")[2].partition(",")[0])
    Space.parse({"x": {"qloguniform": args}})
