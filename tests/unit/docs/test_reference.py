"""The reference is whole: every verb, key and column that there is, and no key that there is not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields

import pytest
from pydantic import BaseModel

from service.interface.cli import main
from service.ledger.results import frames
from service.spec import Spec
from service.spec.models import ALGORITHMS
from service.spec.space.kinds import KINDS
from tests.readme import PAGES, ROOT
from trainables.recipe.keys import KEYS
from trainables.recipe.optimizers import OPTIMIZERS
from trainables.recipe.recipe import Recipe
from trainables.recipe.schedules import SCHEDULES

REFERENCE = ROOT / "docs" / "reference"
PLAIN = {field.name: field.default for field in fields(Recipe)}
FIXED = set(KEYS) - {key for takers in (OPTIMIZERS, SCHEDULES) for taken in takers.values() for key in taken}
"""Recipe keys whose default is the same for every optimizer and schedule."""


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text()


def section(text: str, title: str) -> str:
    """What stands under the heading ``title``."""
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(text: str) -> dict[str, list[str]]:
    """The cells of the rows of all tables by the code that their first cell is."""
    lines = [re.split(r"(?<!\\)\|", line.strip("|")) for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in lines}


def test_every_verb_is_in_the_docs() -> None:
    text, found = "\n".join(path.read_text() for path in PAGES), rows(page("verbs"))
    assert [verb for verb in main.commands if not re.search(rf"`(sieve )?{verb}\b", text)] == []
    described = {row.removeprefix("sieve ").split()[0] for row in found if row.startswith("sieve ")}
    assert described == set(main.commands)


def test_every_verb_of_a_group_is_in_the_docs() -> None:
    text = page("verbs")
    for name, verb in main.commands.items():
        for part in getattr(verb, "commands", {}):
            assert re.search(rf"`sieve {name} [^`]*\b{part}\b", text), f"sieve {name} {part}"


def sections() -> Iterator[tuple[str, type[BaseModel]]]:
    """The sections of the spec by the key that each is under."""
    for key, field in Spec.model_fields.items():
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield key, kind


@pytest.mark.parametrize(("key", "model"), list(sections()))
def test_the_keys_of_each_section_of_the_spec_are_in_the_docs(key: str, model: type[BaseModel]) -> None:
    found = rows(section(page("spec"), key).split("| algorithm |")[0])
    assert list(found) == list(model.model_fields)


def test_the_keys_of_the_spec_are_in_the_docs() -> None:
    found = rows(page("spec").split("\n## ")[0])
    assert list(found) == list(Spec.model_fields)
    assert {key for key, _ in sections()} == {
        *("metric", "stages", "search", "schedule", "rounds", "resources", "budget", "failures", "checkpoints"),
        *("planned", "facts"),
    }


def test_samplers_and_searchers_are_in_the_docs() -> None:
    parameters, search = section(page("spec"), "parameters"), section(page("spec"), "search")
    assert [kind for kind in KINDS if f"`{kind}`" not in parameters] == []
    assert [name for name in ALGORITHMS if f"`{name}`" not in search] == []


def test_the_recipe_has_a_row_for_each_key() -> None:
    text = page("recipe")
    assert list(rows(text.split("\n## ")[0])) == list(KEYS)
    assert [name for name in (*OPTIMIZERS, *SCHEDULES) if f"`{name}`" not in text] == []


@pytest.mark.parametrize("key", sorted(FIXED))
def test_the_recipe_says_the_default(key: str) -> None:
    said = rows(page("recipe"))[key][1].partition(";")[0].strip("`")
    default = PLAIN[key]
    assert said == (default if isinstance(default, str) else json.dumps(default).removesuffix(".0"))


@pytest.mark.parametrize("table", ["sweeps", "trials", "history", "decisions", "stages", "spaces", "queue"])
def test_every_column_is_in_the_docs(table: str) -> None:
    fixed = {"sweeps": frames.SWEEPS, "queue": frames.QUEUE}
    columns = fixed.get(table) or frames.of(table, "metric")
    title = "trials and best" if table == "trials" else table
    text = section(page("dataframes"), title)
    assert [name for name in columns if "metric" not in name and f"`{name}`" not in text] == []
