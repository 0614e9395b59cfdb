"""Ray's authentication token."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from cluster.command import ray_command
from cluster.errors import ClusterError

MODE = "RAY_AUTH_MODE"


def token() -> str | None:
    """The token that Ray uses: RAY_AUTH_TOKEN, else the file RAY_AUTH_TOKEN_PATH names, else ``~/.ray/auth_token``.

    None where there is none, or RAY_AUTH_MODE says that none is to be used.
    """
    if os.environ.get(MODE, "token").lower() != "token":
        return None
    given = os.environ.get("RAY_AUTH_TOKEN")
    if given:
        return given.strip()
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    try:
        return file.read_text().strip() or None
    except OSError:
        return None


def make_token() -> None:
    """Make a token by Ray's own means if there is none yet."""
    if os.environ.get(MODE, "token").lower() != "token" or token() is not None:
        return
    command = [*ray_command(), "get-auth-token", "--generate"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if token() is None:
        raise ClusterError(
            f"Ray could not make a token: {made.stderr.strip()[-300:]}", "set RAY_AUTH_TOKEN, or RAY_AUTH_MODE=disabled"
        )


def headers() -> dict[str, str]:
    """HTTP headers of a request to a dashboard: the token, if there is one."""
    known = token()
    return {} if known is None else {"Authorization": f"Bearer {known}"}
