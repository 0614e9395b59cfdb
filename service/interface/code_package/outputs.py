"""Files in a project that hold what Sieve put out: exports, and what a shell redirected. They are no code.

Were they to travel, the same submission would have other code each time its own output lies in the folder.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from service.interface.contexts import contexts

LEDGER = "sieve.db"
SHELLS = ("nohup.out",)
MOST = 1000
"""Files that are remembered, the newest."""

STREAMS = (1, 2)
"""Standard output and standard error."""


def remember(path: Path) -> None:
    """Note that the file at ``path`` is an output, for as long as it is that very file."""
    with suppress(OSError, ValueError):  # a folder that cannot be written to costs the note alone
        path = path.resolve()
        known = _known()
        known.pop(str(path), None)
        known[str(path)] = path.stat().st_ino
        place = _place()
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=place.parent, delete=False, encoding="utf-8") as file:
            json.dump(dict(list(known.items())[-MOST:]), file)
        os.replace(file.name, place)


def remember_redirects() -> None:
    """Note the files that the standard streams of this process write to, such as of ``sieve run s.yaml > run.log``."""
    for stream in STREAMS:
        with suppress(OSError):
            path = Path(os.readlink(f"/proc/self/fd/{stream}"))  # elsewhere than on Linux nothing is noted
            if path.is_file() and path.is_relative_to(Path.cwd()):
                remember(path)


def outputs(project: Path, paths: Sequence[str]) -> set[str]:
    """Those of ``paths``, relative to ``project``, that are outputs and not tracked by git."""
    known, root = _known(), project.resolve()
    homes = (LEDGER, *(path.removesuffix(LEDGER) for path in paths if path.endswith(f"/{LEDGER}")))
    found = {
        path
        for path in paths
        if Path(path).name in SHELLS or path.startswith(homes) or known.get(str(root / path)) == _inode(root / path)
    }
    return found - _tracked(project, found) if found else found


def _tracked(project: Path, paths: set[str]) -> set[str]:
    command = ["git", "ls-files", "-z", "--cached", "--", *sorted(paths)]
    try:
        listed = subprocess.run(command, cwd=project, capture_output=True, check=False)
    except OSError:
        return set()
    return {os.fsdecode(path) for path in listed.stdout.split(b"\0") if path} if listed.returncode == 0 else set()


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return -1


def _known() -> dict[str, int]:
    try:
        read = json.loads(_place().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _place() -> Path:
    return contexts.place().parent / "outputs.json"
