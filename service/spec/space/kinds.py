"""The kinds of parameter: Ray Tune's samplers (``ray.tune.search.sample``), with their names and distributions.

Bounds as in Tune: reals include both; the upper bound of ``randint`` and ``lograndint`` is exclusive; that of
``qrandint`` and ``qlograndint`` is inclusive unless q is 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from service.spec.errors import nearest
from service.spec.space.samplers import Continuous, Sampler, Steps, Values, mark
from service.spec.space.scales import Linear, Log, Normal, Scale


@dataclass(frozen=True)
class Kind:
    """A row of `KINDS`: names of the arguments, defaults of the last ones, and the function that builds the sampler.

    ``arguments`` is empty for kinds that list their values. ``number`` is the type of every argument.
    """

    build: Callable[..., Sampler]
    arguments: tuple[str, ...] = ()
    number: type[int] | type[float] = float
    defaults: tuple[float, ...] = ()
    note: str = ""


def canonical(kind: str, args: Sequence[Any]) -> tuple[Any, ...]:
    """``args`` with defaults added and in the number type of ``kind``; a whole float such as 1e3 counts as an integer.

    Raises:
        ValueError: the kind is unknown, or the arguments are too few, too many or not numbers.
    """
    known = _kind(kind)
    if not known.arguments:
        return tuple(args)
    required = len(known.arguments) - len(known.defaults)
    if not required <= len(args) <= len(known.arguments):
        raise ValueError(f"{kind} got {list(args)!r}; write {kind}: [{', '.join(known.arguments)}]")
    filled = (*args, *known.defaults[len(args) - required :])
    named = zip(known.arguments, filled, strict=True)
    return tuple(_number(kind, name, value, known.number) for name, value in named)


def build(kind: str, args: Sequence[Any]) -> Sampler:
    """The sampler of ``kind`` for arguments as `canonical` returns them.

    Raises:
        ValueError: there is no value within the arguments, or they break a rule of the kind; with the cure.
    """
    return _kind(kind).build(kind, *args)


def _kind(kind: str) -> Kind:
    if kind not in KINDS:
        raise ValueError(f"unknown sampler {kind!r}{nearest(kind, KINDS)}; allowed: {', '.join(KINDS)}")
    return KINDS[kind]


def _number(kind: str, name: str, value: Any, number: type[int] | type[float]) -> int | float:
    noun = "an integer" if number is int else "a finite number"
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}; {kind} takes {noun} here")
    real = float(value)
    if number is int and not real.is_integer():
        raise ValueError(f"{name} is {value!r}; {kind} takes an integer here, e.g. {round(real)}")
    return number(real)


def _uniform(kind: str, low: float, high: float) -> Sampler:
    _check_order(kind, low, high)
    return Continuous(Linear(low, high), low, high)


def _loguniform(kind: str, low: float, high: float) -> Sampler:
    _check_order(kind, low, high)
    _check_positive(kind, low)
    return Continuous(Log(low, high), low, high)


def _randn(kind: str, mean: float, sd: float) -> Sampler:
    _check_above_zero(kind, "sd", sd)
    return Continuous(Normal(mean, sd))


def _quantized(scale: type[Linear] | type[Log]) -> Callable[..., Sampler]:
    def steps(kind: str, low: float, high: float, q: float) -> Sampler:
        _check_above_zero(kind, "q", q)
        _check_order(kind, low, high)
        if scale is Log:
            _check_positive(kind, low)
        first, last = _whole_steps(kind, "low", low, q), _whole_steps(kind, "high", high, q)
        return Steps(scale(first, last), q, first, last, rounded=True)

    return steps


def _qrandn(kind: str, mean: float, sd: float, q: float) -> Sampler:
    _check_above_zero(kind, "sd", sd)
    _check_above_zero(kind, "q", q)
    return Steps(Normal(mean / q, sd / q), q, None, None, rounded=True)


def _integers(scale: type[Linear] | type[Log]) -> Callable[..., Sampler]:
    def steps(kind: str, low: int, high: int, q: int = 1) -> Sampler:
        _check_above_zero(kind, "q", q)
        _check_order(kind, low, high)
        if scale is Log:
            _check_positive(kind, low)
        first, last = -(-low // q), high // q - (1 if q == 1 else 0)
        if last < first:
            raise ValueError(f"no multiple of q = {q} lies from {low} to {high}; widen the bounds or use a smaller q")
        law: Scale = scale(first, last + 1)
        return Steps(law, q, first, last, rounded=False)

    return steps


def _values(kind: str, *items: Any) -> Sampler:
    if not items:
        raise ValueError(f"{kind} lists no values; write e.g. {kind}: [32, 64, 128]")
    known = set()
    for item in items:
        if isinstance(item, dict):
            raise ValueError(
                f"{item!r} is a mapping; {kind} takes single values: make its keys parameters of their own, "
                "each with a condition such as when: {model: [deep]}"
            )
        if (key := mark(item)) in known:
            raise ValueError(f"{item!r} is listed twice; list each value once")
        known.add(key)
    return Values(items)


def _check_order(kind: str, low: float, high: float) -> None:
    if low == high:
        raise ValueError(
            f"low and high are both {low!r}, which leaves nothing to search; write the value as a constant"
        )
    if low > high:
        raise ValueError(f"low is {low!r} and high {high!r}; {kind} needs low < high: swap them")
    if not math.isfinite(high - low):
        raise ValueError(f"{kind} from {low!r} to {high!r} is wider than a float can hold; narrow it")


def _check_positive(kind: str, low: float) -> None:
    if low <= 0:
        example = "1" if isinstance(low, int) else "1e-6"
        linear = {"loguniform": "uniform", "qloguniform": "quniform", "lograndint": "randint"}.get(kind, "qrandint")
        raise ValueError(f"low is {low!r}; {kind} needs low > 0: use e.g. {example}, or {linear} to include {low!r}")


def _check_above_zero(kind: str, name: str, value: float) -> None:
    if value <= 0:
        raise ValueError(f"{name} is {value!r}; {kind} needs {name} > 0")


def _whole_steps(kind: str, name: str, bound: float, q: float) -> int:
    if not math.isfinite(bound / q):
        raise ValueError(f"{name} is {bound!r}, too many steps of q = {q!r} to count; use a larger q")
    steps = round(bound / q)
    if not math.isclose(bound / q, steps):
        raise ValueError(
            f"{name} is {bound!r}; {kind} needs multiples of q = {q!r}: use e.g. {float(f'{steps * q:.6g}')!r}"
        )
    return steps


_EXCLUSIVE = "high is exclusive, as in Tune"
_INCLUSIVE = "high is inclusive unless q is 1, as in Tune"

KINDS: dict[str, Kind] = {
    "uniform": Kind(_uniform, ("low", "high")),
    "quniform": Kind(_quantized(Linear), ("low", "high", "q")),
    "loguniform": Kind(_loguniform, ("low", "high")),
    "qloguniform": Kind(_quantized(Log), ("low", "high", "q")),
    "randn": Kind(_randn, ("mean", "sd"), defaults=(0.0, 1.0)),
    "qrandn": Kind(_qrandn, ("mean", "sd", "q")),
    "randint": Kind(_integers(Linear), ("low", "high"), int, note=_EXCLUSIVE),
    "qrandint": Kind(_integers(Linear), ("low", "high", "q"), int, (1,), _INCLUSIVE),
    "lograndint": Kind(_integers(Log), ("low", "high"), int, note=_EXCLUSIVE),
    "qlograndint": Kind(_integers(Log), ("low", "high", "q"), int, note=_INCLUSIVE),
    "choice": Kind(_values),
    "grid_search": Kind(_values),
}
