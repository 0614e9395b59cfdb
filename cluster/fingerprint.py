"""The fingerprint of what a worker inherits: two processes with one fingerprint would start the same Ray."""

from __future__ import annotations

import hashlib
import json
import os
import site
import sys
from collections.abc import Iterator
from pathlib import Path

PASSING = frozenset({"_", "SHLVL", "OLDPWD", "PWD", "COLUMNS", "LINES"})
"""Environment variables that a shell changes from one command to the next, and that no program trains by."""


def fingerprint() -> str:
    """24 hexadecimal digits over all that the workers of a Ray get from the process that starts it.

    That are the working directory, the environment, the interpreter, the CPUs that may be used, the installed packages
    (by the times at which their folders changed) and Sieve's own files. A task's code does not count: no worker has
    loaded any when a sweep gets it.
    """
    environment = sorted((name, value) for name, value in os.environ.items() if name not in PASSING)
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parts = [os.getcwd(), environment, sys.executable, sys.version, cpus, list(_packages()), _own_files()]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


def _packages() -> Iterator[tuple[str, int]]:
    """The folders of installed packages, each with its time of change: installing one changes it."""
    for folder in sorted({*site.getsitepackages(), site.getusersitepackages()}):
        if os.path.isdir(folder):
            yield folder, os.stat(folder).st_mtime_ns


def _own_files() -> tuple[int, int]:
    """How many files of Sieve a worker may load, and when the newest of them changed."""
    root = Path(__file__).parents[1]
    files = [file for package in ("cluster", "trainables", "service") for file in (root / package).rglob("*.py")]
    return len(files), max(file.stat().st_mtime_ns for file in files)
