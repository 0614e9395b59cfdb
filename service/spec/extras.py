"""What is not installed: the extra of Sieve's that brings it, said in one place."""

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
"""The extra that brings each package that Sieve alone does not; ``engine`` holds all of ``client``, ``server`` of both.
"""


class MissingExtra(UserError, ImportError):
    """What was asked for needs a package that is not installed."""

    def __init__(self, message: str, cure: str = "") -> None:
        UserError.__init__(self, message, cure)


def missing(error: ImportError, what: str = "this") -> MissingExtra | None:
    """The error for people where ``error`` is about a package of an extra; None where it is about another one."""
    package = (error.name or "").partition(".")[0]
    if not isinstance(error, ModuleNotFoundError) or package not in EXTRAS:
        return None
    cure = f"from a checkout of Sieve: pip install '.[{EXTRAS[package]}]'"
    return MissingExtra(f"{what} needs {package}, which is not installed", cure)


@contextmanager
def needs(what: str = "this") -> Iterator[None]:
    """Around code that imports what an extra brings, or as the decorator of a function that does.

    Raises:
        MissingExtra: it is not installed; says that ``what`` needs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        told = missing(error, what)
        if told is None:
            raise
        raise told from error
