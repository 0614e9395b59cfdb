"""The command ``sieve`` from its first moment to its last: Ctrl-C is heard while the rest is still being imported."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress

from service.engine.control.interruption import INTERRUPTED, listen, no_more


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    code = 1

    def leave() -> None:
        """End without taking apart what was loaded, which takes seconds once torch is; all else has been done."""
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):  # Nobody reads it any more.
                stream.flush()
        os._exit(code)

    atexit.register(leave)  # The first to be registered is the last to be called.
    listen()
    try:
        from service.interface.cli import main as verbs

        verbs()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
        if isinstance(error.code, str):
            print(error.code, file=sys.stderr)
    except KeyboardInterrupt:
        code = INTERRUPTED
    no_more()
    sys.exit(code)
