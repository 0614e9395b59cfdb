"""The token of an address: from the environment, a context or a file; not the command line, which other users see."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from service.interface.contexts.address import is_loopback
from service.interface.contexts.contexts import Contexts, check_private
from service.ledger.folder import find_home
from service.spec.errors import UserError


def token_for(where: str, contexts: Contexts) -> str | None:
    """SIEVE_TOKEN, else that of a context with the address, else, on this machine, the one ``sieve serve`` wrote.

    That is the file ``token`` in the home, and only one that belongs to this user and none else can read.

    Raises:
        UserError: the file can be read by others.
    """
    given = os.environ.get("SIEVE_TOKEN", "").strip()
    if given:
        return given
    known = contexts.at(where)
    if known is not None and known.token is not None:
        return known.token
    return _own(find_home() / "token") if is_loopback(where) else None


def read_token(file: str) -> str:
    """The token in ``file``, ``-`` for the standard input.

    Raises:
        UserError: there is no readable file, or nothing in it.
    """
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read a token from {file}: {error}", "name the file that holds it") from None
    return checked(text, f"the file {file}")


def checked(text: str, place: str) -> str:
    """``text`` without the space around it. Raises UserError unless it is one word."""
    words = text.split()
    if len(words) != 1 or not words[0].isascii():
        what = "nothing" if not words else "more than one word" if len(words) > 1 else "letters that no token has"
        raise UserError(f"{place} holds {what} where a token is wanted", "see that it is a token of: sieve token")
    return words[0]


def _own(file: Path) -> str | None:
    try:
        status = file.stat()
        if status.st_uid != os.getuid():
            return None
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    check_private(file, status.st_mode)
    return checked(text, f"the file {file}")
