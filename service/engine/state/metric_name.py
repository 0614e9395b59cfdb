"""The name of a sweep's metric, which results have as a column."""

from __future__ import annotations

from service.spec import Spec
from service.spec.errors import UserError
from trainables.worker.outcome import RESERVED, RESERVED_PREFIXES


def check_metric(spec: Spec) -> None:
    """Refuse a metric whose column results have already.

    Raises:
        UserError: the name is taken.
    """
    name = spec.metric.name
    if name in RESERVED or name.startswith(RESERVED_PREFIXES):
        taken = ", ".join(sorted(RESERVED))
        raise UserError(f"metric.name is {name!r}, which results have as a column of their own", f"not: {taken}")
