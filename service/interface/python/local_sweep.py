"""Sieve from Python: run a sweep from a script or a notebook, and read what any sweep has found."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.interface.python.handle import Handle
from service.interface.python.notebook import quiet
from service.interface.source.local import LocalSource
from service.ledger.folder import find_home
from service.ledger.transitions import IllegalTransition
from service.spec import Spec, load
from service.spec.extras import needs

if TYPE_CHECKING:
    from service.engine.curves.function import CurveFunction
    from service.engine.preflight import Report
    from service.ledger import Results


class Sweep(Handle):
    """The handle of a sweep on this machine. Made by `service.run`, `service.simulate` and `service.sweep`.

    A `Handle` whose ledger is that of the folder ``home``. Two of its methods do more here: `resume` and `extend` start
    a child process that drives the sweep, and pauses it when this process ends.

    >>> import service
    >>> spec = {
    ...     "name": "moons",
    ...     "task": "moons:Moons",  # a simulation does not load it
    ...     "metric": {"name": "accuracy", "goal": "maximize"},
    ...     "parameters": {"lr": {"uniform": [0.0, 1.0]}},
    ...     "stages": [{"data": 0.25, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    ...     "search": {"algorithm": "sobol", "trials": 4},
    ... }
    >>> sweep = service.simulate(spec, lambda config, data, epoch: (config["lr"], 10.0 * data))
    >>> sweep
    Sweep('moons', SUCCEEDED)
    >>> len(sweep.trials())
    4
    """

    def __init__(self, name: str, home: Path, head: subprocess.Popen[bytes] | None = None) -> None:
        self._local = LocalSource(home)
        super().__init__(name, self._local)
        self.home = home
        self._head = head

    def wait(self, timeout: float | None = None, progress: bool | None = None) -> Sweep:
        """As `Handle.wait`; an interrupt (Ctrl-C, or a notebook's stop button) pauses a sweep of this process."""
        try:
            return super().wait(timeout, progress)
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
    progress: bool | None = None,
) -> Sweep:
    """Run the sweep of ``source``, or continue the one of the same spec; returns its handle.

    Its head is a child process, which pauses the sweep when this process ends.

    Args:
        source: the path of a YAML file, a mapping, which may hold Tune domains, or a `Spec`.
        project: the folder with the task's code; default: the current one.
        home: the folder of the ledger; default: SIEVE_HOME, else the nearest ``.sieve`` here or above, else one here.
        wait: return when the sweep is over (default), else at once.
        progress: show how it stands while waiting, as `Handle.wait` does; None (default) is to do so in a notebook.
        check: look at the task of a new sweep first, without training it (default); what is allowed but probably a
            mistake is a warning of the logger ``service``.

    Raises:
        SpecError: the spec breaks a rule, or its task cannot be found.
        UserError: the task fails the quick check, or another sweep has the name.
        SieveError: with ``wait``, the sweep failed.

    ``service.run("sweep.yaml").best(3)`` trains; a mistake is found before anything runs:

    >>> import service
    >>> service.run({
    ...     "name": "moons",
    ...     "task": "moons:Moons",
    ...     "metric": {"name": "accuracy", "goal": "maximize"},
    ...     "parameters": {"lr": {"uniform": [0.0, 1.0]}},
    ...     "stages": [{"data": 25, "epochs": 1}],
    ...     "search": {"trials": 4},
    ... })
    Traceback (most recent call last):
        ...
    service.spec.errors.SpecError: stages/0/data: data is 25; a stage uses a fraction in (0, 1], e.g. 0.1
    """
    quiet()  # before anything loads Ray
    from service.engine.launch.child_process import start
    from service.engine.launch.own_ray import start_early
    from service.engine.preflight.look import afresh
    from service.engine.submit.local import submit

    load(source)  # Its mistakes come before anything starts.
    start_early(here=False)
    folder, code = _home(home), None if project is None else Path(project)
    afresh(str(code or Path.cwd()))
    if check:
        _look(source, folder, code)
    record = submit(source, folder, project=code)
    handle = Sweep(record.name, folder, start(record.name, folder))
    return handle.wait(progress=progress) if wait else handle


@needs("service.check")
def check(
    source: str | Path | Mapping[str, Any] | Spec,
    *,
    project: str | Path | None = None,
    seconds: float = 20.0,
) -> Report:
    """Check the task of ``source`` with the resources of a trial, training it for about ``seconds`` (20).

    No sweep is made. The report is true where nothing failed. Iterating it gives its findings; ``report.frame()`` is a
    DataFrame with a row for each, all text: ``level`` (ok, warn or fail), ``name``, ``evidence``, ``cure``. ``source``
    and ``project`` are as in `run`.

    Raises:
        SpecError: the spec breaks a rule, or its task cannot be found or give its data.
        UserError: the cluster lacks the resources.

    ``service.check("sweep.yaml").frame()`` trains a little; a task that is not there is found before:

    >>> import service
    >>> service.check({
    ...     "name": "moons",
    ...     "task": "moons:Moons",
    ...     "metric": {"name": "accuracy", "goal": "maximize"},
    ...     "parameters": {"lr": {"uniform": [0.0, 1.0]}},
    ...     "stages": [{"data": 0.25, "epochs": 1}],
    ...     "search": {"trials": 4},
    ... })  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    service.spec.errors.SpecError: task: module moons is not found from ...
    """
    quiet()  # before anything loads Ray
    from service.engine.preflight.examination import thorough
    from service.engine.preflight.look import afresh

    folder = str(Path(project or Path.cwd()).resolve())
    afresh(folder)
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
    """Run the sweep of ``source`` in virtual time against learning curves, training nothing; returns when it is over.

    Args:
        source: as in `run`. The task is not loaded.
        curves: the name of a past sweep, a ``.parquet`` file, ``FILE.py:FUNCTION``, or a function itself:
            ``function(config, data, epoch) -> (value, seconds of this epoch)``, where ``data`` is the fraction of the
            training data and ``epoch`` counts from 1.
        name: the name of the sweep; default: that of the spec, with ``-simulated`` where a real sweep has it.
        home: as in `run`.
        options: the fields of `SimulationOptions`: ``workers`` (default: the spec's, else 8), ``trials``,
            ``budget_seconds`` (virtual) and ``seed`` (default: the spec's), ``crash_rate`` (0), ``stragglers`` (0),
            ``charge_decisions`` (False).

    Raises:
        SpecError: the spec breaks a rule.
        UserError: an option is unknown or out of range, the curves cannot be read, or the name is taken.

    >>> import service
    >>> spec = {
    ...     "name": "moons",
    ...     "task": "moons:Moons",
    ...     "metric": {"name": "accuracy", "goal": "maximize"},
    ...     "parameters": {"lr": {"uniform": [0.0, 1.0]}},
    ...     "stages": [{"data": 0.25, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    ...     "search": {"algorithm": "sobol", "trials": 4},
    ... }
    >>> def curve(config, data, epoch):
    ...     return config["lr"] * (1 - 0.5**epoch), 10.0 * data
    >>> service.simulate(spec, curve, workers=2).best()[["stage", "epoch", "budget"]]
       stage  epoch  budget
    0      1      5    4.25
    """
    from service.engine.simulation.options import SimulationOptions
    from service.engine.simulation.submit_simulated import SimulatedSubmission, submit

    folder = _home(home)
    simulation = submit(SimulatedSubmission(source, curves, name), SimulationOptions.of(options), folder)
    return Sweep(simulation.spec.name, folder)


@needs("service.sweep")
def sweep(name: str, home: str | Path | None = None) -> Sweep:
    """The handle of the sweep ``name`` in ``home``, whichever process runs it; ``home`` as in `run`.

    Raises:
        UnknownSweep: there is no such sweep; the message names the nearest.

    >>> import service
    >>> service.sweep("moons")
    Traceback (most recent call last):
        ...
    service.ledger.errors.UnknownSweep: there is no sweep 'moons'; there are none yet; see: sieve ls
    """
    handle = Sweep(name, _home(home))
    handle._source.standing(name)
    return handle


@needs("service.results")
def results(home: str | Path | None = None) -> Results:
    """The results of every sweep in ``home`` as DataFrames; ``home`` as in `run`.

    >>> import service
    >>> service.results().sweeps()[["sweep", "state", "trials"]].shape  # a row per sweep: none yet
    (0, 3)
    """
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
