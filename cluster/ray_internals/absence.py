"""What happens where a version of Ray lacks something that Sieve uses without its promise."""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

from cluster.errors import RayChanged

TESTED = ">=2.60,<2.61"
"""The versions of Ray that Sieve is tested with, as in pyproject.toml."""

GONE = (ImportError, AttributeError, KeyError, TypeError)
"""What Python raises for a name, an entry or an argument that is no more."""

_LOGGER = logging.getLogger(__name__)


@contextmanager
def refused(what: str, instead: str = "") -> Iterator[None]:
    """Refuse ``what`` where this Ray lacks something that the context uses; ``instead`` is another cure.

    Raises:
        RayChanged: it does.
    """
    try:
        yield
    except GONE as error:
        raise changed(what, f"{type(error).__name__}: {error}", instead) from error


@contextmanager
def excused(what: str) -> Iterator[None]:
    """Leave the context early where this Ray lacks something that it uses; ``what`` is not known then, says the log."""
    try:
        yield
    except GONE as error:
        _tell(what, f"{type(error).__name__}: {error}")


def changed(what: str, lacks: str, instead: str = "") -> RayChanged:
    """The error that Ray cannot do ``what`` in this version."""
    install = f"install a version that is tested: pip install 'ray[default,train,tune]{TESTED}'"
    return RayChanged(
        f"{what}: not with Ray {version('ray')}, which lacks what is needed for it ({lacks})",
        f"{instead}, or {install}" if instead else install,
    )


@functools.cache
def _tell(what: str, lacks: str) -> None:
    _LOGGER.warning("%s: not known with Ray %s, which is not tested (%s)", what, version("ray"), lacks)
