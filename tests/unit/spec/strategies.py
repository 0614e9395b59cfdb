"""Hypothesis strategies: parameters of every kind, and whole spaces of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from service.spec.space.parameter import Parameter
from service.spec.space.space import Space

UNITS = st.floats(0.0, 1.0)
_WORDS = st.text("abc", min_size=1, max_size=4)


@st.composite
def uniform(draw: st.DrawFn) -> Parameter:
    low = draw(st.floats(-1e9, 1e9))
    width = draw(st.floats(1e-3, 1e9))
    return Parameter("x", "uniform", (low, low + width))


@st.composite
def loguniform(draw: st.DrawFn) -> Parameter:
    low = 10 ** draw(st.floats(-30, 30))
    return Parameter("x", "loguniform", (low, low * 10 ** draw(st.floats(1e-3, 30))))


@st.composite
def quantized(draw: st.DrawFn, kind: str) -> Parameter:
    quantum = Decimal(draw(st.integers(1, 99))).scaleb(draw(st.integers(-4, 2)))
    first = draw(st.integers(1 if kind == "qloguniform" else -1000, 1000))
    last = first + draw(st.integers(1, 100_000))
    return Parameter("x", kind, (float(first * quantum), float(last * quantum), float(quantum)))


@st.composite
def normal(draw: st.DrawFn, kind: str) -> Parameter:
    mean, sd = draw(st.floats(-1e6, 1e6)), 10 ** draw(st.floats(-3, 6))
    quantum = (float(f"{sd * draw(st.sampled_from([0.01, 0.1, 0.5, 3.0])):.2g}"),) if kind == "qrandn" else ()
    return Parameter("x", kind, (mean, sd, *quantum))


@st.composite
def integers(draw: st.DrawFn, kind: str) -> Parameter:
    low = draw(st.integers(1 if "log" in kind else -10_000, 10_000))
    q = draw(st.integers(1, 50)) if kind.startswith("q") else 1
    high = low + draw(st.integers(2 * q, 100_000))
    return Parameter("x", kind, (low, high, q) if kind.startswith("q") else (low, high))


@st.composite
def listed(draw: st.DrawFn, kind: str) -> Parameter:
    items = st.one_of(st.none(), st.booleans(), st.integers(2, 99), _WORDS, st.lists(st.integers(2, 9), max_size=3))
    return Parameter("x", kind, tuple(draw(st.lists(items, min_size=1, max_size=6, unique_by=repr))))


BY_KIND: dict[str, st.SearchStrategy[Parameter]] = {
    "uniform": uniform(),
    "quniform": quantized("quniform"),
    "loguniform": loguniform(),
    "qloguniform": quantized("qloguniform"),
    "randn": normal("randn"),
    "qrandn": normal("qrandn"),
    "randint": integers("randint"),
    "qrandint": integers("qrandint"),
    "lograndint": integers("lograndint"),
    "qlograndint": integers("qlograndint"),
    "choice": listed("choice"),
    "grid_search": listed("grid_search"),
}


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Spaces of one to five parameters, nested names and conditions on earlier discrete ones among them."""
    raw: dict[str, Any] = {"fixed": draw(st.one_of(st.integers(), _WORDS))}
    earlier: list[tuple[str, Parameter]] = []
    for index in range(draw(st.integers(1, 5))):
        parameter = draw(st.one_of(*BY_KIND.values()))
        name = f"{draw(st.sampled_from(['', 'group/', 'group/deep/']))}p{index}"
        form: dict[str, Any] = {parameter.kind: list(parameter.args)}
        conditional: bool = draw(st.booleans())
        if earlier and conditional:
            other, judge = draw(st.sampled_from(earlier))
            form["when"] = {other: [judge.sampler.from_unit(draw(UNITS)) for _ in range(2)]}
        raw[name] = form
        if parameter.sampler.discrete:
            earlier.append((name, parameter))
    return Space.parse(raw)
