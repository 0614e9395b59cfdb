"""Where code is from: the git commit of a folder, and what it holds beyond it."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

MOST = 128 << 10
"""Characters of a diff that are recorded."""


@dataclass(frozen=True)
class Revision:
    """The ``commit`` of a folder and the ``diff`` of what git knows in it; both None without git or a commit."""

    commit: str | None = None
    diff: str | None = None


def revision(project: Path) -> Revision:
    """The revision of ``project``; a diff longer than 128 KiB is cut, which its last line says."""
    commit = _git(project, "rev-parse", "HEAD")
    if commit is None:
        return Revision()
    diff = (_git(project, "diff", "--no-color", "--no-ext-diff", "--relative", "HEAD", "--", ".") or "").replace(
        "\0", ""
    )
    if len(diff) > MOST:
        diff = f"{diff[:MOST]}\n[cut here: {len(diff) - MOST} of {len(diff)} characters are left out]\n"
    return Revision(commit.strip(), diff)


def _git(project: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", *words], cwd=project, capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
