"""What a task does that would end Python, or is known to be its mistake: to be told as one."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from trainables.errors import TaskError, place
from trainables.known_mistakes import explained

PARSERS = ("argparse.py", "optparse.py", "getopt.py")


@contextmanager
def caught(what: str) -> Iterator[None]:
    """A place where the task's own code runs, which ``what`` calls: there ``sys.exit`` is a `TaskError`.

    Raises:
        TaskError: the code ends Python, or makes a known mistake; the message says where and what to do instead.
    """
    try:
        yield
    except SystemExit as error:
        raise ended(what, error) from error
    except Exception as error:
        if (mistake := explained(what, error)) is not None:
            raise mistake from error
        raise


@contextmanager
def without_arguments(name: str) -> Iterator[None]:
    """While the module ``name`` is imported its command line has no arguments.

    Those of this process are Sieve's or Ray's: a parser would end Python over them, with a usage line of the wrong one.
    """
    before = sys.argv
    sys.argv = [f"{name}.py"]
    try:
        yield
    finally:
        sys.argv = before


def ended(what: str, error: SystemExit) -> TaskError:
    """The mistake of a task whose part ``what`` ended Python by ``error``."""
    frames = traceback.extract_tb(error.__traceback__)
    if any(frame.filename.endswith(PARSERS) for frame in frames):
        return TaskError(
            f"{what} reads the command line{place(error)}, which has no arguments of its own here",
            "take the values from config, or parse under `if __name__ == '__main__':` only",
        )
    return TaskError(
        f"{what} ends Python{place(error)}, by {error!r}", "raise an error that says why instead, or return"
    )
