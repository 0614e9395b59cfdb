"""The launchers by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from service.engine.launch.launcher import Launcher
from service.spec.errors import UserError, nearest


def launcher_of(name: str, cluster: str, home: Path) -> Launcher:
    """The launcher ``name``: ``jobs`` on the ``cluster``, or ``processes`` on this machine that join it.

    ``cluster`` is the address of a dashboard (http://…) or what RAY_ADDRESS may be; logs of processes are in ``home``.

    Raises:
        UserError: there is no such launcher, or it cannot work with such an address.
    """
    if name not in LAUNCHERS:
        raise UserError(f"there is no launcher {name!r}{nearest(name, LAUNCHERS)}", f"choose {' or '.join(LAUNCHERS)}")
    return LAUNCHERS[name](cluster, home)


def _jobs(cluster: str, home: Path) -> Launcher:
    from service.engine.launch.ray_jobs import RayJobs  # Only this launcher imports Ray.

    return RayJobs(cluster)


def _processes(cluster: str, home: Path) -> Launcher:
    from service.engine.launch.detached_process import DetachedProcesses

    if cluster.startswith(("http://", "https://")):
        raise UserError(
            f"processes cannot join a cluster by its dashboard {cluster}",
            "give the address host:port of its head, or choose the launcher jobs",
        )
    return DetachedProcesses(home / "heads", cluster)


LAUNCHERS: Mapping[str, Callable[[str, Path], Launcher]] = {"jobs": _jobs, "processes": _processes}
