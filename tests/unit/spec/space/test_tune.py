"""Tune's search-space objects, accepted and produced."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from ray import tune

from service.policy.search.domains import to_tune
from service.spec.errors import SpecError
from service.spec.flat import flatten
from service.spec.space.space import Space
from tests.unit.spec.strategies import spaces

PAIRS: list[tuple[Any, dict[str, Any]]] = [
    (tune.uniform(0, 1), {"uniform": [0, 1]}),
    (tune.quniform(0, 1, 0.25), {"quniform": [0, 1, 0.25]}),
    (tune.loguniform(1e-4, 1), {"loguniform": [1e-4, 1]}),
    (tune.qloguniform(1, 100, 1), {"qloguniform": [1, 100, 1]}),
    (tune.randn(1, 2), {"randn": [1, 2]}),
    (tune.qrandn(1, 2, 0.5), {"qrandn": [1, 2, 0.5]}),
    (tune.randint(1, 9), {"randint": [1, 9]}),
    (tune.qrandint(2, 8, 2), {"qrandint": [2, 8, 2]}),
    (tune.lograndint(16, 257), {"lograndint": [16, 257]}),
    (tune.qlograndint(16, 256, 16), {"qlograndint": [16, 256, 16]}),
    (tune.choice(["a", 1, None, [2, 3]]), {"choice": ["a", 1, None, [2, 3]]}),
    (tune.grid_search([1, 2]), {"grid_search": [1, 2]}),
]


@pytest.mark.parametrize(("domain", "form"), PAIRS, ids=[next(iter(form)) for _, form in PAIRS])
def test_domains_are_read_as_their_yaml_form(domain: Any, form: dict[str, Any]) -> None:
    assert Space.parse({"a": {"x": domain}, "c": 3}) == Space.parse({"a": {"x": form}, "c": 3})


@given(spaces())
def test_spaces_go_to_tune_and_back(space: Space) -> None:
    bare = Space(tuple(type(p)(p.name, p.kind, p.args) for p in space.parameters), space.constants)
    assert Space.parse(to_tune(space)) == bare


@pytest.mark.parametrize(("domain", "form"), PAIRS[:-1], ids=[next(iter(form)) for _, form in PAIRS[:-1]])
def test_what_tune_draws_lies_in_the_space(domain: Any, form: dict[str, Any]) -> None:
    sampler = Space.parse({"x": form}).parameters[0].sampler
    produced = to_tune(Space.parse({"x": form}))["x"]
    for value in [*domain.sample(size=200), *produced.sample(size=200)]:
        assert 0.0 <= sampler.to_unit(sampler.cast(list(value) if isinstance(value, tuple) else value)) <= 1.0


@pytest.mark.parametrize("kind", ["quniform", "qrandint", "lograndint", "qlograndint", "qloguniform"])
def test_values_are_as_likely_as_tune_draws_them(kind: str) -> None:
    args: dict[str, list[float]] = {
        "quniform": [0, 1, 0.25],
        "qrandint": [0, 8, 2],
        "lograndint": [1, 6],
        "qlograndint": [2, 8, 2],
        "qloguniform": [1, 5, 1],
    }
    [parameter] = Space.parse({"x": {kind: args[kind]}}).parameters
    cells = 20_000
    ours = [parameter.sampler.from_unit((cell + 0.5) / cells) for cell in range(cells)]
    theirs = list(to_tune(Space((parameter,)))["x"].sample(size=cells, random_state=7))
    for value in parameter.sampler.values():
        assert ours.count(value) / cells == pytest.approx(theirs.count(value) / cells, abs=0.02)


def test_proposals_of_tune_are_pruned_to_configs() -> None:
    raw = {"optimizer": {"choice": ["sgd", "adam"]}, "m": {"uniform": [0, 1], "when": {"optimizer": ["sgd"]}}, "c": 1}
    space = Space.parse(raw)
    assert set(flatten(to_tune(space))) == {"optimizer", "m", "c"}
    assert space.prune({"optimizer": "adam", "m": 0.5, "c": 1}) == {"optimizer": "adam", "c": 1}


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        (tune.sample_from(lambda: 1), "Function with CallSampler cannot be stored or replayed"),
        (tune.choice([tune.uniform(0, 1), 3]), "choice lists a sampler; make it a parameter of its own"),
    ],
)
def test_domains_without_a_counterpart_are_refused(domain: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Space.parse({"x": domain})
