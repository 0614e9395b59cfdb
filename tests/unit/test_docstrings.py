"""Public docstrings: an example that runs for each name that users import, a docstring for each method that they call.

The examples are doctests that need nothing but the imports they show. To put a name under this rule, add it to `NAMES`.
"""

from __future__ import annotations

import doctest
import importlib
import inspect
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from service.ledger.results import frames
from service.ledger.results.results import Results

NAMES = [
    "service",
    "service.interface.python.handle:Handle",
    "service.interface.python.local_sweep:Sweep",
    "service.interface.python.local_sweep:check",
    "service.interface.python.local_sweep:results",
    "service.interface.python.local_sweep:run",
    "service.interface.python.local_sweep:simulate",
    "service.interface.python.local_sweep:sweep",
    "service.interface.remote.client:Client",
    "service.interface.remote.remote_sweep:RemoteSweep",
    "service.ledger.results.results:Results",
    "service.policy.search.domains:to_tune",
    "service.spec:Spec",
    "service.spec:load",
    "trainables.adapters.stage_handle:StageHandle",
    "trainables.data:Data",
    "trainables.errors:Diverged",
    "trainables.errors:TaskError",
    "trainables.huggingface:TransformersTask",
    "trainables.lightning:LightningTask",
    "trainables.lightning:data_of",
    "trainables.recipe.recipe:Recipe",
    "trainables.stages:Plan",
    "trainables.stages:Stage",
    "trainables.task:Task",
]
"""``module`` or ``module:name``."""

TABLES = {
    "sweeps": frames.SWEEPS,
    "queue": frames.QUEUE,
    "trials": frames.trial_columns("METRIC"),
    "history": frames.history_columns("METRIC"),
    "decisions": frames.DECISIONS,
    "stages": frames.STAGES,
    "spaces": frames.SPACES,
}
"""The columns of each DataFrame of `Results`, with their dtypes."""

METHODS = (property, cached_property, classmethod, staticmethod)

EXTRAS = {"trainables.huggingface": "transformers", "trainables.lightning": "lightning"}
"""The package that a module needs and that not every environment has."""


def public(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if module in EXTRAS:
        pytest.importorskip(EXTRAS[module], reason=f"{module} needs the package {EXTRAS[module]}")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def methods(thing: Any) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class itself defines; none for anything else."""
    for name, member in vars(thing).items() if inspect.isclass(thing) else ():
        if not name.startswith("_") and (callable(member) or isinstance(member, METHODS)):
            yield name, member


def doctests(name: str, thing: Any) -> doctest.DocTest:
    """The examples of ``thing``'s own docstring, not of one that it inherits; they see no names but their own."""
    return doctest.DocTestParser().get_doctest(inspect.cleandoc(thing.__doc__ or ""), {}, name, None, None)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_public_name_runs_and_says_what_comes_out(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIEVE_HOME", str(tmp_path))
    thing = public(name)
    assert doctests(name, thing).examples, f"the docstring of {name} has no example"
    of_methods = [doctests(f"{name}.{method}", member) for method, member in methods(thing)]
    said: list[str] = []
    for test in [doctests(name, thing), *of_methods]:
        doctest.DocTestRunner().run(test, out=said.append)
    assert not said, "".join(said)


@pytest.mark.parametrize("name", NAMES)
def test_each_public_method_has_a_docstring_that_is_its_own(name: str) -> None:
    assert [method for method, member in methods(public(name)) if not (member.__doc__ or "").strip()] == []


@pytest.mark.parametrize("table", TABLES)
def test_the_docstring_of_a_table_has_each_of_its_columns_with_the_dtype(table: str) -> None:
    docstring = " ".join((getattr(Results, table).__doc__ or "").split())
    assert [column for column, dtype in TABLES[table].items() if f"``{column}`` {dtype}" not in docstring] == []
