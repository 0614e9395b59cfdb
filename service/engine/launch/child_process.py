"""A head as a child process (`service.run`), which pauses its sweep when the parent ends."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

from service.ledger.folder import log_file
from service.spec.errors import SieveError


def start(name: str, home: Path) -> subprocess.Popen[bytes]:
    """Run the head of sweep ``name`` in a child process; its exit code is that of `sieve run`.

    The child pauses the sweep when its standard input closes, so it never outlives its parent for long. What it prints
    is in `log_file`.
    """
    command = [sys.executable, "-u", "-m", "service.engine.launch.child_process", name, str(home)]
    log = log_file(home, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT)


def _pause_with_parent() -> None:
    import os
    import signal

    while os.read(0, 1):  # Not sys.stdin: its lock, held by a daemon thread, aborts the interpreter's exit.
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> int:
    """The child: run the head, print errors as `sieve run` does."""
    from service.engine.control.sweep import run

    name, home = sys.argv[1], Path(sys.argv[2])
    threading.Thread(target=_pause_with_parent, daemon=True).start()
    try:
        return run(name, home).exit_code
    except SieveError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
