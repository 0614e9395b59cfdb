"""Parsing of ``parameters:``, in YAML form or with Ray Tune domains, into searched parameters and constants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.spec.errors import SpecError, Violation, closest
from service.spec.flat import SEPARATOR, flatten, nest
from service.spec.space.conditions import conditions
from service.spec.space.kinds import KINDS, build, canonical
from service.spec.space.parameter import Parameter, When
from service.spec.space.tune_domains import from_tune, is_domain
from service.spec.values import plain

CONSTANT, WHEN = "constant", "when"
DEEPEST = 32
"""Most levels of nested parameters."""

RESERVED = frozenset({*KINDS, CONSTANT, WHEN})

#: Names of the samplers in other libraries; alone in a mapping with a list such a name is an error, not a group.
_OTHER_NAMES = {"normal": "randn", "categorical": "choice", "float": "uniform", "int": "randint", "grid": "grid_search"}


@dataclass(frozen=True)
class Parsed:
    """The result of `parse`; ``conditions`` are those of the constants."""

    parameters: tuple[Parameter, ...]
    constants: dict[str, Any]
    conditions: dict[str, When]


def parse(raw: Any) -> Parsed:
    """Read the parameters of a space.

    Each value is a constant, a mapping of further parameters, a Tune domain, or a mapping of one sampler to its
    arguments with an optional condition: ``{uniform: [0, 1], when: {optimizer: [sgd]}}``, ``{constant: 3, when: …}``.

    Raises:
        SpecError: with all violations; their paths begin with ``parameters``.
    """
    reader = _Reader()
    if isinstance(raw, Mapping):
        reader.folder((), raw)
        reader.finish()
    else:
        reader.refuse((), f"is {raw!r}; write a mapping of names to samplers, e.g. lr: {{loguniform: [1e-4, 1]}}")
    if reader.violations:
        raise SpecError(reader.violations)
    constant_conditions = {name: when for name, when in reader.when.items() if name in reader.constants}
    return Parsed(tuple(reader.parameters()), reader.constants, constant_conditions)


def misnamed(key: str) -> str | None:
    """The sampler that ``key`` is another library's name of, or a misspelling; None for any other name."""
    return _OTHER_NAMES.get(key.lower()) or closest(key.replace("_", ""), KINDS, cutoff=0.8)


@dataclass
class _Reader:
    samplers: dict[str, tuple[str, tuple[Any, ...]]] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    raw_when: dict[str, Any] = field(default_factory=dict)
    when: dict[str, When] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)

    def refuse(self, path: tuple[str, ...], message: str) -> None:
        self.refused.add(SEPARATOR.join(path))
        self.violations.append(Violation(SEPARATOR.join(("parameters", *path)), None, message))

    def folder(self, above: tuple[str, ...], entries: Mapping[Any, Any]) -> None:
        for key, value in entries.items():
            path = (*above, *str(key).split(SEPARATOR))
            try:
                self.entry(path, key, value)
            except ValueError as error:
                self.refuse(path, str(error))

    def entry(self, path: tuple[str, ...], key: Any, value: Any) -> None:
        _check_name(path, key)
        if is_domain(value):
            self.searched(path, *from_tune(value))
        elif not isinstance(value, Mapping) or not value:
            self.constant(path, value)
        elif _is_sampler(value):
            self.sampler(path, value)
        else:
            self.folder(path, value)

    def sampler(self, path: tuple[str, ...], form: Mapping[str, Any]) -> None:
        kinds = [key for key in form if key != WHEN]
        if len(kinds) != 1:
            raise ValueError(
                f"has the keys {', '.join(map(str, form))}; write exactly one sampler, and `when` if needed"
            )
        if WHEN in form:
            self.raw_when[SEPARATOR.join(path)] = form[WHEN]
        kind, args = kinds[0], form[kinds[0]]
        if kind == CONSTANT:
            self.constant(path, args)
        else:
            self.searched(path, kind, args)

    def constant(self, path: tuple[str, ...], value: Any) -> None:
        self.claim(path)
        if isinstance(value, Mapping) and value:
            raise ValueError(
                f"constant is the mapping {dict(value)!r}; write each of its keys as a constant of its own"
            )
        self.constants[SEPARATOR.join(path)] = plain(value)

    def searched(self, path: tuple[str, ...], kind: str, args: Any) -> None:
        self.claim(path)
        if kind not in KINDS:
            raise ValueError(_unknown(kind))
        if not isinstance(args, (list, tuple)):
            names = KINDS[kind].arguments or ("first", "second")
            raise ValueError(f"{kind} got {args!r}; write a list, {kind}: [{', '.join(names)}]")
        if any(is_domain(item) for item in args):
            raise ValueError(f"{kind} lists a sampler; make it a parameter of its own with a condition in `when`")
        arguments = canonical(kind, plain(list(args)))
        build(kind, arguments)
        self.samplers[SEPARATOR.join(path)] = (kind, arguments)

    def claim(self, path: tuple[str, ...]) -> None:
        name = SEPARATOR.join(path)
        if name in self.samplers or name in self.constants:
            raise ValueError(f"{name!r} is given twice, nested and flat; keep one")

    def finish(self) -> None:
        """Check the rules between parameters."""
        try:
            nest({**self.samplers, **self.constants})
        except ValueError as error:
            self.refuse((), str(error))
        if not self.samplers and not self.violations:
            self.refuse((), "no parameter is searched; give at least one a sampler, e.g. lr: {loguniform: [1e-4, 1]}")
        self.when, faults = conditions(self.raw_when, self.samplers, self.constants, self.refused)
        self.violations.extend(fault.under("parameters") for fault in faults)

    def parameters(self) -> list[Parameter]:
        """The parameters in the order of the nested form, so that `Space.raw` read again has the same coordinates."""
        names = flatten(nest(dict.fromkeys(self.samplers)))
        return [Parameter(name, *self.samplers[name], self.when.get(name, {})) for name in names]


def _is_sampler(value: Mapping[Any, Any]) -> bool:
    if not RESERVED.isdisjoint(value):
        return True
    (key, args), *others = value.items()
    return not others and isinstance(args, (list, tuple)) and isinstance(key, str) and misnamed(key) is not None


def _check_name(path: tuple[str, ...], key: Any) -> None:
    if not isinstance(key, str):
        raise ValueError(f"the name {key!r} is not text; write it in quotes")
    if len(path) > DEEPEST:
        raise ValueError(f"the name has {len(path)} parts joined by slashes, more than {DEEPEST}; use fewer")
    if not all(path):
        raise ValueError(f"the name {key!r} has an empty part; names are joined by single slashes, e.g. optimizer/lr")
    if clash := sorted(RESERVED.intersection(path)):
        raise ValueError(f"{clash[0]!r} is the name of a sampler or keyword; rename the parameter")


def _unknown(kind: str) -> str:
    meant = misnamed(kind)
    hint = f" (did you mean {meant!r}?)" if meant else ""
    return (
        f"unknown sampler {kind!r}{hint}; allowed: {', '.join(KINDS)}. "
        f"For a constant of this name write {kind}: {{constant: …}}"
    )
