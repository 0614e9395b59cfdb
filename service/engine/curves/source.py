"""Curves by the name of their source: a past sweep, a Parquet file, or a function."""

from __future__ import annotations

from pathlib import Path

from service.engine.curves import Curves, function, parquet, past
from service.engine.curves.function import Computed, CurveFunction
from service.ledger.store.store import Store, UnknownSweep
from service.spec import Spec
from service.spec.errors import UserError

FORMS = "a source of curves is the name of a sweep, a .parquet file, or path/to/file.py:function"


Source = str | Path | CurveFunction


def open_curves(spec: Spec, source: Source, store: Store) -> Curves:
    """The curves that ``source`` names: a .parquet file, ``module:function`` or ``file.py:function``, else a sweep.

    In Python a function itself does as well.

    Raises:
        UserError: it is none of them, or does not hold what ``spec`` needs; the message names the nearest.
    """
    if not isinstance(source, (str, Path)):
        if not callable(source):
            raise UserError(f"the source of curves is {source!r}", FORMS)
        return Computed(source, spec.metric.name, getattr(source, "__name__", repr(source)))
    source = str(source)
    if source.endswith(".parquet"):
        return parquet.read(spec, Path(source))
    if ":" in source:
        return function.read(source, spec.metric.name)
    if source.endswith(".py"):
        raise UserError(f"{source} names no function in it", f"write {source}:FUNCTION")
    try:
        return past.read(spec, store, source)
    except UnknownSweep as error:
        raise UserError(error.message, FORMS) from None
