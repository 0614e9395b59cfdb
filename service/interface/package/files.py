"""The files of a code package: those that git tracks or would add; without git, those that no pattern leaves out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from service.spec.errors import UserError

IGNORE = ".sieveignore"
PATTERNS = (".gitignore", IGNORE)
NEVER = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "venv",
        "__pycache__",
        ".sieve",
        "node_modules",
        "checkpoints",
        ".ipynb_checkpoints",
    }
)
"""Folders that never travel, whatever git says of them."""

Rules = tuple[tuple[str, GitIgnoreSpec], ...]


SAID = ("venv", "node_modules", "checkpoints")
"""Those of them that could be someone's code: it is said that they stay."""


@dataclass(frozen=True)
class Listing:
    """The ``paths`` of the files that travel, relative and with ``/``, in order; ``stayed`` are folders of `SAID`."""

    paths: tuple[str, ...]
    stayed: tuple[str, ...] = ()


def files(project: Path) -> Listing:
    """Which files of ``project`` travel.

    They are those that git knows or would add; where git has nothing to say, those that no ``.gitignore`` names. In
    both cases a ``.sieveignore``, of the same form, leaves out more, and folders such as ``.venv`` never travel.

    Raises:
        UserError: a pattern is none.
    """
    stayed: set[str] = set()
    named = _by_git(project)
    found = _also(project, named, stayed) if named else _walk(project, "", (), stayed)
    return Listing(tuple(sorted(found)), tuple(sorted(stayed)))


def _by_git(folder: Path) -> list[str]:
    """The files that git tracks in ``folder`` or would add; none without git, or where it ignores the whole folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    except OSError:
        return []
    if listed.returncode:
        return []
    found: list[str] = []
    for raw in dict.fromkeys(listed.stdout.split(b"\0")):
        path = os.fsdecode(raw).rstrip("/")
        if path and (folder / path).is_dir() and not (folder / path).is_symlink():  # a repository of its own
            inner = _by_git(folder / path) or list(_walk(folder / path, "", (), set()))
            found += [f"{path}/{name}" for name in inner]
        elif path and os.path.lexists(folder / path):  # one that is deleted is still known
            found.append(path)
    return found


def _also(project: Path, named: list[str], stayed: set[str]) -> Iterator[str]:
    """Those of ``named`` that no .sieveignore leaves out."""
    rules: Rules = ()
    for path in named:
        folder, _, name = path.rpartition("/")
        if name == IGNORE:
            rules = (*rules, *_read(project, folder, (IGNORE,)))
    for path in named:
        parts = path.split("/")
        above = ["/".join(parts[:depth]) for depth in range(1, len(parts))]
        if any(_is_left_out(one, rules) for one in (*(f"{folder}/" for folder in above), path)):
            continue
        never = next((folder for folder in above if folder.rpartition("/")[2] in NEVER), None)
        if never is None:
            yield path
        elif never.rpartition("/")[2] in SAID:
            stayed.add(never)


def _walk(project: Path, folder: str, rules: Rules, stayed: set[str]) -> Iterator[str]:
    """Those in ``folder`` that no pattern leaves out."""
    rules = (*rules, *_read(project, folder, PATTERNS))
    with os.scandir(project / folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = f"{folder}/{entry.name}" if folder else entry.name
            is_folder = entry.is_dir(follow_symlinks=False)
            if _is_left_out(f"{path}/" if is_folder else path, rules):
                continue
            if is_folder and entry.name in NEVER:
                stayed.update([path] if entry.name in SAID else [])
            elif is_folder:
                yield from _walk(project, path, rules, stayed)
            else:
                yield path


def _read(project: Path, folder: str, names: tuple[str, ...]) -> Rules:
    found: Rules = ()
    for name in names:
        file = project / folder / name
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, IsADirectoryError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read {file}: {error}", "correct the file") from None
        try:
            found = (*found, (f"{folder}/" if folder else "", GitIgnoreSpec.from_lines(lines)))
        except ValueError as error:
            raise UserError(f"{file} has a pattern that is none: {error}", "write it as in a .gitignore") from None
    return found


def _is_left_out(path: str, rules: Rules) -> bool:
    """Whether the last rule that speaks of ``path`` leaves it out; each counts from its own folder."""
    verdict = False
    for folder, spec in rules:
        if path.startswith(folder):
            said = spec.check_file(path[len(folder) :]).include
            verdict = verdict if said is None else said
    return verdict
