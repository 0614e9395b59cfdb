"""Sieve from Python: run a sweep from a script or a notebook, and read what any sweep has found."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.interface.python.handle import Handle
from service.interface.source.local import LocalSource
from service.ledger.folder import find_home
from service.ledger.states import IllegalTransition
from service.spec import Spec, load
from service.spec.extras import needs

if TYPE_CHECKING:
    from service.engine.curves.function import CurveFunction
    from service.engine.preflight import Report
    from service.ledger import Results


class Sweep(Handle):
    """A handle on a sweep in the ledger: what it found, how it stands, and a way to stop it. Made by `run` and `sweep`.

    Handles hold no results of their own: each call reads the ledger, so that a handle made in another process (by
    `service.sweep`) says the same.
    """

    def __init__(self, name: str, home: Path, head: subprocess.Popen[bytes] | None = None) -> None:
        self._local = LocalSource(home)
        super().__init__(name, self._local)
        self.home = home
        self._head = head

    def wait(self, timeout: float | None = None) -> Sweep:
        """As `Handle.wait`; interrupting it (Ctrl-C, or a notebook's stop button) pauses a sweep of this process."""
        try:
            return super().wait(timeout)
        except KeyboardInterrupt:
            if self._head is not None and self._head.poll() is None:
                with suppress(IllegalTransition):  # It is over just now.
                    self._local.store.wish(self.name, "pause")
                self._head.wait()
            raise

    def resume(self) -> None:
        """Makes it go on in a child process, which pauses it when this process ends; does not block.

        Raises:
            UserError: it is running, or it has ended.
        """
        super().resume()
        self._begin()

    def extend(self, n: int) -> None:
        """Gives the sweep ``n`` more trials and goes on with them in a child process; does not block.

        Raises:
            UserError: it is running, it runs every point of a grid, or ``n`` is not positive.
        """
        super().extend(n)
        self._begin()

    def _begin(self) -> None:
        from service.engine.launch.child_process import start

        self._head = start(self.name, self.home)

    def _is_under_way(self) -> bool:
        return super()._is_under_way() if self._head is None else not _has_ended(self._head)

    def _exit_code(self) -> str:
        return "" if self._head is None else f" with exit code {self._head.returncode}"


@needs("service.run")
def run(
    source: str | Path | Mapping[str, Any] | Spec,
    *,
    project: str | Path | None = None,
    home: str | Path | None = None,
    wait: bool = True,
    check: bool = True,
) -> Sweep:
    """Runs the sweep of ``source`` (a YAML file, a mapping that may hold Tune domains, or a `Spec`), or continues it.

    The head is a child process. With ``wait`` (the default) the call returns when the sweep is over, else at once; the
    head pauses when this process ends. ``project`` is the folder with the task's code (default: the current one),
    ``home`` that of the ledger (default: as on the command line). With ``check`` (the default) the task of a new sweep
    is looked at first, without training it; what is not wrong, but strange, is a warning of the logger ``service``.

    Raises:
        SpecError: the spec breaks a rule.
        UserError: the task is not to be found, or fails the quick check, or the name belongs to another sweep.
        SieveError: with ``wait``, the sweep failed.
    """
    from service.engine.launch.child_process import start
    from service.engine.submit.local import submit

    folder, code = _home(home), None if project is None else Path(project)
    if check:
        _look(source, folder, code)
    record = submit(source, folder, project=code)
    handle = Sweep(record.name, folder, start(record.name, folder))
    return handle.wait() if wait else handle


@needs("service.check")
def check(
    source: str | Path | Mapping[str, Any] | Spec,
    *,
    project: str | Path | None = None,
    seconds: float = 20.0,
) -> Report:
    """Checks the task of ``source`` on the resources of a trial, training it for about ``seconds``; changes nothing.

    The report is true where nothing failed; iterating gives its findings, ``report.frame()`` is a DataFrame with a row
    for each: level (ok, warn, fail), name, evidence, cure. ``project`` is the folder with the task's code.

    Raises:
        SpecError: the spec breaks a rule, or its task cannot be found or give its data.
        UserError: the resources are not to be had.
    """
    from service.engine.preflight.examination import thorough

    folder = str(Path(project or Path.cwd()).resolve())
    return thorough(load(source), folder, source, seconds)


@needs("service.simulate")
def simulate(
    source: str | Path | Mapping[str, Any] | Spec,
    curves: str | Path | CurveFunction,
    *,
    name: str | None = None,
    home: str | Path | None = None,
    **options: Any,
) -> Sweep:
    """Runs the sweep of ``source`` in virtual time against ``curves``, training nothing; returns when it is over.

    ``curves`` is the name of a past sweep, a ``.parquet`` file, ``FILE.py:FUNCTION``, or a function itself:
    ``function(config, data, epoch) -> (value, seconds of this epoch)``. ``options`` are the fields of
    `SimulationOptions` (`service.engine.simulation.options`): workers (8), trials, budget_seconds, seed,
    crash_rate, stragglers, charge_decisions. ``name`` as on the command line: that of the spec, with ``-simulated``
    where a real sweep has it.

    Raises:
        SpecError: the spec breaks a rule.
        UserError: an option is unknown or out of range, the curves are not to be had, or the name is taken.
    """
    from service.engine.simulation.options import SimulationOptions
    from service.engine.simulation.submit_simulated import SimulatedSubmission, submit

    folder = _home(home)
    simulation = submit(SimulatedSubmission(source, curves, name), SimulationOptions.of(options), folder)
    return Sweep(simulation.spec.name, folder)


@needs("service.sweep")
def sweep(name: str, home: str | Path | None = None) -> Sweep:
    """The handle of the sweep ``name``, whoever runs it.

    Raises:
        UnknownSweep: there is no such sweep; the message names the nearest.
    """
    handle = Sweep(name, _home(home))
    handle._source.standing(name)
    return handle


@needs("service.results")
def results(home: str | Path | None = None) -> Results:
    """The results of every sweep in ``home`` as DataFrames."""
    from service.ledger import Results, open_store

    return Results(open_store(_home(home)))


def _look(source: str | Path | Mapping[str, Any] | Spec, home: Path, project: Path | None) -> None:
    """The quick check of a sweep that is not in the ledger yet."""
    from service.engine.preflight.examination import insist, quick
    from service.engine.submit.local import examine

    examined = examine(source, home, project)
    if examined.known is None:
        report = quick(examined.spec, examined.project)
        for finding in report.warnings:
            logging.getLogger("service").warning("%s: %s", examined.spec.name, finding)
        insist(report)


def _has_ended(head: subprocess.Popen[bytes]) -> bool:
    """Whether the process is over; its standard input, which had to stay open until then, is closed."""
    if head.poll() is None:
        return False
    if head.stdin is not None:
        head.stdin.close()
    return True


def _home(home: str | Path | None) -> Path:
    return find_home() if home is None else Path(home).absolute()
