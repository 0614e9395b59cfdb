"""The plan of the house: small folders, one name for one thing. `scripts/check` runs this with the import contracts."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHIPPED = ("service", "trainables", "cluster")
MOST_FILES = 16
"""Python files in a folder. A dozen is the aim; a folder that grows past this is two folders."""

PARTS = ("cluster", "trainables", *(f"service/{part}" for part in ("spec", "policy", "ledger", "engine", "interface")))
"""The packages within which a file's name tells one place."""


def files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*.py") if not {"__pycache__", ".venv", "build"} & set(path.parts))


def crowded(root: Path) -> dict[str, int]:
    """Folders with more Python files than they may hold, and how many those are."""
    counts: dict[str, int] = defaultdict(int)
    for path in files(root):
        counts[str(path.parent.relative_to(root))] += 1
    return {folder: count for folder, count in counts.items() if count > MOST_FILES}


def twice(places: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Names that stand for more than one thing, with the files."""
    return {name: paths for name, paths in places.items() if len(paths) > 1}


def public_classes(root: Path) -> dict[str, list[str]]:
    """The files of each public class of a package, by its name."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in files(root):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(str(path.relative_to(root)))
    return found


def basenames(root: Path) -> dict[str, list[str]]:
    """The files of each name in a package, packages' own left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in files(root):
        if path.stem != "__init__":
            found[path.stem].append(str(path.relative_to(root)))
    return found


@pytest.mark.parametrize("top", [*SHIPPED, "tests", "scripts"])
def test_no_folder_holds_more_files_than_one_can_look_over(top: str) -> None:
    assert crowded(ROOT / top) == {}


def test_no_public_class_of_the_service_has_the_name_of_another() -> None:
    assert twice(public_classes(ROOT / "service")) == {}


@pytest.mark.parametrize("part", PARTS)
def test_no_file_of_a_package_has_the_name_of_another(part: str) -> None:
    assert twice(basenames(ROOT / part)) == {}


def test_every_folder_of_code_says_what_it_holds() -> None:
    silent = [
        str(path.parent)
        for top in SHIPPED
        for path in files(ROOT / top)
        if path.name == "__init__.py" and not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert silent == []


def test_the_rules_see_what_breaks_them(tmp_path: Path) -> None:
    for number in range(MOST_FILES + 1):
        (tmp_path / f"m{number}.py").write_text("class A: ...\n" if number < 2 else "")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "m1.py").touch()
    assert crowded(tmp_path) == {".": MOST_FILES + 1}
    assert sorted(twice(public_classes(tmp_path))) == ["A"]
    assert sorted(twice(basenames(tmp_path))) == ["m1"]
