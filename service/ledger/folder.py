"""Which folder is a machine's home; no database is opened to know it."""

from __future__ import annotations

import os
from pathlib import Path

NAME = ".sieve"


def log_file(home: Path, sweep: str) -> Path:
    """What the newest head of ``sweep`` has printed that ran in the background on this machine."""
    return home / "heads" / f"{sweep}.log"


def find_home() -> Path:
    """SIEVE_HOME, else the nearest ``.sieve`` in the current folder or one above (as git finds its own), else here."""
    given = os.environ.get("SIEVE_HOME")
    if given:
        return Path(given).expanduser().resolve()
    here = Path.cwd()
    return next((folder / NAME for folder in (here, *here.parents) if (folder / NAME).is_dir()), here / NAME)
