"""Optional dependencies: which extra of the distribution installs a package that is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from service.spec.errors import UserError

EXTRAS = {
    "pandas": "client",
    "pyarrow": "client",
    "alembic": "engine",
    "bayes_opt": "engine",
    "hyperopt": "engine",
    "jinja2": "engine",
    "markupsafe": "engine",
    "numpy": "engine",
    "psutil": "engine",
    "ray": "engine",
    "scipy": "engine",
    "sklearn": "engine",
    "sqlalchemy": "engine",
    "threadpoolctl": "engine",
    "torch": "engine",
    "fastapi": "server",
    "prometheus_client": "server",
    "psycopg": "server",
    "sse_starlette": "server",
    "starlette": "server",
    "uvicorn": "server",
}
"""The smallest extra that installs each optional package: ``engine`` includes ``client``, ``server`` includes both."""


class MissingExtra(UserError, ImportError):
    """A package of an extra is needed and not installed."""

    def __init__(self, message: str, cure: str = "") -> None:
        UserError.__init__(self, message, cure)


def missing(error: ImportError, what: str = "this") -> MissingExtra | None:
    """The `MissingExtra` for an ``error`` about a package of an extra; None if it is about another package."""
    package = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or package not in EXTRAS:
        return None
    cure = f"from a checkout of Sieve: pip install '.[{EXTRAS[package]}]'"
    return MissingExtra(f"{what} needs {package}, which is not installed", cure)


@contextmanager
def needs(what: str = "this") -> Iterator[None]:
    """Context manager or decorator for code that imports packages of an extra.

    Raises:
        MissingExtra: one is not installed; the message says that ``what`` needs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        told = missing(error, what)
        if told is None:
            raise
        raise told from error
