"""The file of contexts: addresses and tokens by name, readable by its owner alone."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from service.interface.contexts.address import address
from service.spec.errors import UserError, nearest

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Context:
    """A service that a person knows; ``token`` is None where none is needed or it comes from elsewhere."""

    name: str
    address: str
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Contexts:
    """All contexts by name; ``current`` is the one in use, None for the sweeps of this machine."""

    known: Mapping[str, Context] = field(default_factory=dict)
    current: str | None = None

    def get(self, name: str) -> Context:
        """The context of that name. Raises UserError, which names the nearest."""
        if name not in self.known:
            there = f"there are {', '.join(self.known)}" if self.known else "there are none yet"
            raise UserError(
                f"there is no context {name!r}{nearest(name, self.known)}; {there}",
                "add it with: sieve context add NAME --address URL",
            )
        return self.known[name]

    @property
    def in_use(self) -> Context | None:
        """The context in use."""
        return None if self.current is None else self.get(self.current)

    def at(self, where: str) -> Context | None:
        """A context with that address: the one in use, else the first."""
        ordered = sorted(self.known.values(), key=lambda one: one.name != self.current)
        return next((one for one in ordered if one.address == where), None)

    def with_(self, context: Context) -> Contexts:
        """With one more, or another of the same name; the first of all is in use. Raises UserError for a bad name."""
        check_name(context.name)
        current = self.current if self.known else context.name
        return Contexts({**self.known, context.name: context}, current)

    def without(self, name: str) -> Contexts:
        """Without that one. Raises UserError where there is none."""
        self.get(name)
        rest = {key: value for key, value in self.known.items() if key != name}
        return Contexts(rest, None if self.current == name else self.current)

    def using(self, name: str | None) -> Contexts:
        """With that one in use, or none. Raises UserError where there is none."""
        return replace(self, current=None if name is None else self.get(name).name)


def check_name(name: str) -> None:
    """Raises UserError where no context can have that name."""
    if not NAME.fullmatch(name):
        raise UserError(f"a context cannot be named {name!r}", "use letters, digits, dots, dashes and underscores")


def place() -> Path:
    """Where the file is: ``sieve/contexts.yaml`` in XDG_CONFIG_HOME, else in ``~/.config``."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "sieve" / "contexts.yaml"


def read(path: Path) -> Contexts:
    """The contexts in the file at ``path``; none where there is no file.

    Raises:
        UserError: others can read it, or it is not what `write` writes.
    """
    try:
        with path.open(encoding="utf-8") as file:
            check_private(path, os.fstat(file.fileno()).st_mode)
            raw = yaml.safe_load(file)
    except FileNotFoundError:
        return Contexts()
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise UserError(f"cannot read the contexts in {path}: {error}", "correct the file, or remove it") from None
    try:
        known = {name: _context(name, entry) for name, entry in (raw.get("contexts") or {}).items()}
        return Contexts(known).using(raw.get("current"))
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(
            f"the contexts in {path} are not in their form: {error}", "remove the file and add them anew"
        ) from None


def write(path: Path, contexts: Contexts) -> None:
    """Writes the file at ``path`` at once or not at all, for its owner alone.

    Raises:
        UserError: it cannot be written.
    """
    entries = {
        one.name: {key: value for key, value in asdict(one).items() if key != "name" and value is not None}
        for one in contexts.known.values()
    }
    text = yaml.safe_dump({"current": contexts.current, "contexts": entries}, sort_keys=False)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # made with 0600
        try:
            with open(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}", "make its folder writable, or set XDG_CONFIG_HOME"
        ) from None


def check_private(path: Path, mode: int) -> None:
    """Whether none but its owner can read the file at ``path`` with that ``mode``. Raises UserError else."""
    if mode & 0o077:
        raise UserError(f"others can read {path}, which holds a token", f"make it yours alone: chmod 600 {path}")


def _context(name: Any, entry: Any) -> Context:
    token = entry.get("token")
    return Context(str(name), address(str(entry["address"])), None if token is None else str(token))
