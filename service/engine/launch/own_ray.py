"""The Ray of a head that runs in this process: it starts while there is other work to do, and is joined then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import lease
from cluster.errors import ClusterError

if TYPE_CHECKING:
    from service.spec import Spec


def start_early(here: bool = True) -> None:
    """Have Ray start in the background, for a sweep of this process, or else of a child; see `cluster.lease.prepare`.

    Raises:
        UserError: SIEVE_KEEP_RAY is no number of seconds.
    """
    try:
        lease.prepare() if here else lease.start()
    except ClusterError as error:
        from service.spec.errors import UserError  # With the spec, which takes longer to load than Ray to be sent for.

        raise UserError(error.message, error.cure) from error


def is_warm() -> bool:
    """Whether that Ray has been up for a while, so that its workers are the first to have looked at a task."""
    return lease.is_warm()


@contextmanager
def joined(spec: Spec, project: Path) -> Iterator[None]:
    """Context in which this process uses Ray; a worker looks at the task of ``spec`` while it loads Ray Tune."""
    from cluster.connect import connect
    from service.engine.fleet.nodes import told
    from service.engine.preflight import look

    with told(), connect():
        look.begin(spec, str(project.resolve()))
        import service.engine.head.head  # noqa: F401 - takes a second

        yield
