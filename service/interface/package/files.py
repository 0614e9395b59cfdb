"""Which files of a folder travel with a sweep: those that git would take; without git, that no pattern leaves out."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
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


def files(project: Path) -> list[str]:
    """The paths of the files of ``project`` that travel, relative and with ``/``, in order.

    They are those that git knows or would add; where git has nothing to say, those that no ``.gitignore`` names. In
    both cases a ``.sieveignore``, of the same form, leaves out more, and folders such as ``.venv`` never travel.

    Raises:
        UserError: a pattern is none.
    """
    named = _by_git(project)
    found = _walk(project, "", (), PATTERNS) if not named else _also(project, named)
    return sorted(found)


def _by_git(folder: Path) -> list[str]:
    """What git knows in ``folder`` or would add; nothing where there is no git, or it ignores the whole folder."""
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
            inner = _by_git(folder / path) or list(_walk(folder / path, "", (), PATTERNS))
            found += [f"{path}/{name}" for name in inner]
        elif path and os.path.lexists(folder / path):  # one that is deleted is still known
            found.append(path)
    return found


def _also(project: Path, named: list[str]) -> Iterator[str]:
    """Those of ``named`` that no .sieveignore leaves out."""
    rules: Rules = ()
    for path in named:
        folder, _, name = path.rpartition("/")
        if name == IGNORE:
            rules = (*rules, *_read(project, folder, (IGNORE,)))
    for path in named:
        parts = path.split("/")
        above = ["/".join(parts[:depth]) + "/" for depth in range(1, len(parts))]
        if NEVER.isdisjoint(parts[:-1]) and not any(_is_left_out(one, rules) for one in (*above, path)):
            yield path


def _walk(project: Path, folder: str, rules: Rules, patterns: tuple[str, ...]) -> Iterator[str]:
    rules = (*rules, *_read(project, folder, patterns))
    with os.scandir(project / folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in NEVER and not _is_left_out(f"{path}/", rules):
                    yield from _walk(project, path, rules, patterns)
            elif not _is_left_out(path, rules) and entry.name not in NEVER:
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
