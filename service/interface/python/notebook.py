"""Sieve in a notebook: a cell that shows how a sweep stands, and HTML of what a cell ends with."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType

if TYPE_CHECKING:
    from service.ledger.records import DecisionRecord
    from service.ledger.results.status import Status

WIDTH = 100
FORMAT = "<pre style='line-height: normal; white-space: pre'>{code}</pre>"


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which shows HTML; a terminal's IPython does not."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return getattr(shell, "kernel", None) is not None


def quiet() -> None:
    """Keep from the cells of a notebook what Ray and tqdm say there of widgets, which nothing here uses."""
    if in_notebook():
        logging.getLogger("ray.widgets.util").setLevel(logging.WARNING)
        warnings.filterwarnings("ignore", message="IProgress not found")


class Cell:
    """The output of a notebook's cell, drawn over again: a `service.interface.live_view.Screen`."""

    def __init__(self) -> None:
        self._display: Any = None

    def show(self, status: Status, decisions: Sequence[DecisionRecord]) -> None:
        from IPython import display

        view = display.HTML(panel(status, decisions[-1] if decisions else None))  # type: ignore[no-untyped-call]
        if self._display is None:
            self._display = display.display(view, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._display.update(view)

    def close(self) -> None:
        """Leaves the last view standing."""


def panel(status: Status, newest: DecisionRecord | None = None) -> str:
    """The live view of ``status`` as HTML; its text is escaped."""
    from service.interface.text import status_view

    return html(status_view.panel(status, newest, width=WIDTH))


def html(view: RenderableType) -> str:
    """What a terminal of 100 columns would show, as HTML."""
    console = Console(file=io.StringIO(), record=True, width=WIDTH, force_terminal=True, force_jupyter=False)
    console.print(view)
    return console.export_html(inline_styles=True, code_format=FORMAT)
