"""Ray's command line, run by the interpreter that runs Sieve, wherever scripts of packages are."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

from cluster.errors import ClusterError


def ray_command() -> list[str]:
    """How the command ``ray`` begins: by its entry point, as the module behind that has no public name.

    Raises:
        ClusterError: Ray is not installed here.
    """
    for entry in entry_points(group="console_scripts", name="ray"):
        return [sys.executable, "-c", f"from {entry.module} import {entry.attr}; {entry.attr}()"]
    raise ClusterError(
        "the command ray is not installed beside Sieve", "from a checkout of Sieve: pip install '.[engine]'"
    )
