"""The kinds of problems that ``sieve init`` knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from service.spec.errors import UserError


@dataclass(frozen=True)
class StarterKind:
    """A kind of problem.

    ``form`` is that of its data: ``images``, ``table`` or ``text``; ``task`` the class or function in ``task.py``;
    ``packages`` are those it needs beside Sieve's own, and ``install`` is the command that installs them.
    """

    form: str
    task: str
    packages: tuple[str, ...] = ()
    install: str = ""


KINDS: Mapping[str, StarterKind] = {
    "images": StarterKind("images", "Images", ("PIL",), "pip install pillow"),
    "table": StarterKind("table", "Table"),
    "text": StarterKind("text", "Texts"),
    "lightning": StarterKind("table", "Table", ("lightning",), "from a checkout of Sieve: pip install '.[lightning]'"),
    "transformers": StarterKind(
        "text", "Texts", ("transformers", "accelerate"), "from a checkout of Sieve: pip install '.[hf]'"
    ),
    "loop": StarterKind("table", "train"),
}
"""All kinds by their names."""


def insist_installed(name: str) -> None:
    """See that the packages of the kind ``name`` are there.

    Raises:
        UserError: one is not; the cure is the command that installs it.
    """
    for package in KINDS[name].packages:
        if find_spec(package) is None:
            raise UserError(f"sieve init {name} needs {package}, which is not installed", KINDS[name].install)
