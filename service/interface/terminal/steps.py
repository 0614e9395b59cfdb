"""What a command does before there is a sweep to show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape


@contextmanager
def steps(quiet: bool = False, console: Console | None = None) -> Iterator[Callable[[str], None]]:
    """Context that shows one step after another: on a terminal in a line that goes at the end, elsewhere as lines.

    It is on standard error, as standard output has results. Nothing is shown if ``quiet``.

    >>> with steps(console=Console(force_terminal=False)) as step:  # each step ends where the next one begins
    ...     step("starting Ray")
    starting Ray …
    """
    console = console or Console(stderr=True)
    if quiet:
        yield lambda what: None
    elif console.is_terminal:
        with console.status("") as status:
            yield lambda what: status.update(escape(f"{what} …"))
    else:
        yield lambda what: console.print(f"{what} …", markup=False, highlight=False, soft_wrap=True)
