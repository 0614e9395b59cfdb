"""Where the database is: the URL as people write it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from service.spec.errors import UserError, nearest

VARIABLE = "SIEVE_DATABASE_URL"
FORMS = "write postgresql://USER:PASSWORD@HOST:PORT/DATABASE or sqlite:///FILE"
POSTGRES = "postgresql+psycopg"
SCHEMES = {"postgres": POSTGRES, "postgresql": POSTGRES, POSTGRES: POSTGRES, "sqlite": "sqlite"}


def given() -> URL | None:
    """The database that SIEVE_DATABASE_URL names; None where it is not set or empty.

    Raises:
        UserError: it names none.
    """
    text = os.environ.get(VARIABLE)
    return parse(text) if text else None


def parse(text: str) -> URL:
    """A database's URL; ``postgres://`` and ``postgresql://`` mean psycopg.

    Raises:
        UserError: it is none. The message never holds a password.
    """
    scheme, colon, rest = text.strip().partition("://")
    known = SCHEMES.get(scheme.lower())
    if not colon or known is None:
        raise UserError(
            f"{VARIABLE} is {hidden(text)!r}, which names no database that Sieve knows{nearest(scheme, SCHEMES)}", FORMS
        )
    if rest.count("@") > 1:
        raise UserError(
            f"{VARIABLE} is {hidden(text)!r} with more than one @",
            "write an @ in a name or password as %40, a / as %2F and a : as %3A",
        )
    try:
        url = make_url(f"{known}://{rest}")
    except (ArgumentError, ValueError):  # a port that is no number; its text may be of a password, so it is not shown
        raise UserError(f"{VARIABLE} is {hidden(text)!r}, which is no URL", FORMS) from None
    if known == POSTGRES and not url.database:
        raise UserError(f"{VARIABLE} is {hidden(text)!r} and names no database", FORMS)
    if isinstance(password := url.query.get("password"), str):
        url = url.difference_update_query(["password"]).set(password=password)
    return url


def of_file(path: Path) -> URL:
    """The URL of the SQLite database in the file ``path``; as text, a ? in the path would end it."""
    return URL.create("sqlite", database=str(path))


def shown(url: URL) -> str:
    """The URL for people, its password hidden."""
    return url.render_as_string(hide_password=True)


def hidden(text: str) -> str:
    """``text`` with whatever may be a password in it hidden; for what is perhaps no URL."""
    text = re.sub(r"(password=)[^&]*", r"\1***", text, flags=re.IGNORECASE)
    return re.sub(r"^((?:[\w+.-]*://)?[^:@/]*):.*@", r"\1:***@", text, flags=re.DOTALL)
