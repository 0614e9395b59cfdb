"""Every code block of README and docs is sound: specs load, commands and options exist, Python is run somewhere."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import click
import pytest
import yaml

from service.interface.cli import main
from service.spec import Spec, load
from tests.readme import (
    CLIENT,
    NOT_CODE,
    OF_THE_SHELL,
    OTHER_TASKS,
    PAGES,
    PARTS,
    ROOT,
    WALK,
    Block,
    blocks,
    scripts,
)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def of(language: str) -> list[Block]:
    return [block for block in blocks() if block.language == language]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_no_block_escapes_by_its_form(path: Path) -> None:
    """Each is fenced with a language that somebody sees to; an indented one would be seen by nobody."""
    page = path.relative_to(ROOT).as_posix()
    outside = re.sub(r"^```(\w+)\n.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert "```" not in outside
    assert [line for line in outside.splitlines() if line.startswith("    ")] == []
    assert {block.language for block in blocks(page)} <= {"bash", "python", "yaml", *NOT_CODE}


@pytest.mark.parametrize("block", of("yaml"), ids=str)
def test_every_yaml_block_is_a_spec_or_a_part_of_one(block: Block) -> None:
    """A part is taken into the README's own sweep."""
    given, whole = yaml.safe_load(block.code), yaml.safe_load(of("yaml")[0].code)
    spec = load(given if "task" in given else {**whole, **given})
    assert given.keys() <= Spec.model_fields.keys()
    assert spec.warnings() == []


@pytest.mark.parametrize("block", of("bash"), ids=str)
def test_every_command_is_one(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "trainables").symlink_to(ROOT / "trainables")
    for name in ("sweep.yaml", "moons-history.parquet"):
        (tmp_path / name).touch()
    commands = [shlex.split(line.removesuffix("&"), comments=True) for line in block.code.splitlines()]
    for command in filter(None, [without_job(command) for command in commands]):
        check(command)


def without_job(command: Sequence[str]) -> list[str]:
    """The command without the sign that lets it run in the background."""
    return [word for word in command if word != "&"]


def check(command: list[str]) -> None:
    """Fail unless the ``command`` is there, with each of its options."""
    first, *rest = command
    if first == "sieve":
        check_verb(rest)
    elif first in ("pip", ".venv/bin/pip"):
        check_pip(rest)
    elif first == ".venv/bin/python":
        check_script(*rest)
    elif first.startswith("scripts/"):
        assert (ROOT / first).stat().st_mode & 0o111, f"{first} is not executable"
        assert all(word in (ROOT / first).read_text() for word in rest if not word.startswith("tests"))
    else:
        assert first in OF_THE_SHELL, f"{first} is no command of this project"


def check_verb(words: list[str]) -> None:
    """As `sieve` reads it, types and required arguments included; nothing is run."""
    verb: click.Command = main
    while isinstance(verb, click.Group):
        name, *words = words
        assert name in verb.commands, f"there is no verb {name}"
        verb = verb.commands[name]
    assert verb.name is not None
    verb.make_context(verb.name, words)


def check_pip(words: list[str]) -> None:
    assert words[0] == "install"
    options = list(pairwise(words))
    for name in [value for option, value in options if option == "--group"]:
        assert name in PROJECT["dependency-groups"]
    for name in [value for option, value in options if option == "--constraint"]:
        assert (ROOT / name).exists()
    extras = [extra for word in words for extra in re.findall(r"\[(.*)\]", word)]
    for extra in ",".join(extras).split(",") if extras else []:
        assert extra in PROJECT["project"]["optional-dependencies"]


def check_script(path: str, *words: str) -> None:
    code = (ROOT / path).read_text()
    assert [word for word in words if word.startswith("--") and f'"{word}"' not in code] == []


@pytest.mark.parametrize("block", of("python"), ids=str)
def test_every_python_block_is_run(block: Block) -> None:
    compile(block.code, str(block), "exec")
    marks = [mark for mark in (*OTHER_TASKS, *PARTS, CLIENT) if mark in block.code]
    ways = [block.page in WALK and not marks, block in scripts(), *(True for _ in marks)]
    assert ways.count(True) == 1, "see tests/readme.py: it is to be run in one place"


def test_of_every_mark_there_is_one_block() -> None:
    for mark in (*OTHER_TASKS, *PARTS, CLIENT):
        assert len([block for block in of("python") if mark in block.code]) == 1, mark
