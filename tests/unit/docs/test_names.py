"""Every module, attribute and path of the code that README, CONTRIBUTING and docs name is there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from tests.readme import PAGES, ROOT

TOPS = "service|trainables|cluster"
DOTTED = re.compile(rf"(?<![\w./@-])(?:{TOPS})(?:\.[A-Za-z_]\w*)+(?![\w/-])")
PATHS = re.compile(rf"(?<![\w./@-])(?:{TOPS}|tests|scripts|docs)/[\w./-]*")


FILES = ("service.json",)
"""Names of files that look like names of modules."""


def resolves(dotted: str) -> bool:
    """Whether a dotted name is a module, or an attribute of one or of a class in it."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError as error:
            if error.name is None or not dotted.startswith(error.name):
                return _file_of(parts) is not None  # The package of an adapter is not installed.
            continue
        for part in parts[length:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def _file_of(parts: list[str]) -> Path | None:
    """The file of the module that a dotted name begins with, if it is one below a package."""
    places = [ROOT.joinpath(*parts[:length]).with_suffix(".py") for length in range(len(parts), 1, -1)]
    return next((place for place in places if place.is_file()), None)


def unknown(text: str) -> list[str]:
    """The dotted names and the paths in ``text`` that are not there."""
    names = [name for name in DOTTED.findall(text) if name not in FILES and not resolves(name)]
    paths = [path.rstrip(".") for path in PATHS.findall(text)]
    return [*names, *(path for path in paths if not (ROOT / path).exists())]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_what_a_page_names_of_the_code_is_there(path: Path) -> None:
    assert unknown(path.read_text()) == []


def test_names_of_what_is_gone_are_seen() -> None:
    text = (
        "`service.run` is in `service/interface/python/local_sweep.py`, `service.ledger.Results.history` is a method. "
        "`service.engine.head.journal`, `trainables.task.Job`, `service/engine/journal.py` are gone; see service/spec."
    )
    assert unknown(text) == ["service.engine.head.journal", "trainables.task.Job", "service/engine/journal.py"]
