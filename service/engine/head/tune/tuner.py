"""Ray Tune, set up for one sweep."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ray import tune

from cluster.ray_internals.undocumented_switches import SYNC_QUIETLY
from service.engine.head.tune import loggers
from service.engine.head.tune.callback import LedgerCallback
from service.engine.head.tune.scheduler import PolicyScheduler
from service.engine.head.tune.search_alg import PolicySearchAlg
from service.engine.head.tune.stopper import SweepStopper
from service.spec import Spec
from trainables.worker.distributed import Crew
from trainables.worker.staged import StagedTrainable

SWITCHES = {
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    **SYNC_QUIETLY,
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}
"""The ledger replaces Tune's loggers and snapshots; the trainable checks metrics; the head hears Ctrl-C itself;
a task's relative paths mean in a worker what they mean in the head."""


@dataclass(frozen=True)
class TunePlugins:
    """What Tune runs a sweep by."""

    search_alg: PolicySearchAlg
    scheduler: PolicyScheduler
    callback: LedgerCallback
    stopper: SweepStopper


IDLE = 1.0
"""Seconds between two looks at the course while there is no place for any trial."""


def drive(spec: Spec, logs: Path, parts: TunePlugins, shared: Sequence[Any]) -> None:
    """Run Tune until its search is over or the course ends; ``shared`` goes to every worker.

    Where orders leave the sweep no slot, Tune ends with the last trial, so that it holds nothing, and begins again when
    there is one. Tune's own files matter to the loggers that the spec names: they go to the folder ``logs``, one for
    each head, and to others beside it for each further time that Tune begins. Without loggers they are thrown away.
    """
    times = 0
    while not (parts.search_alg.over or parts.stopper.stop_all()):
        if parts.search_alg.concurrency.count == 0:
            parts.search_alg.concurrency.wait(IDLE)
            continue
        times += 1
        _fit(spec, logs if times == 1 else logs.with_name(f"{logs.name}-again-{times}"), parts, shared)


def _fit(spec: Spec, logs: Path, parts: TunePlugins, shared: Sequence[Any]) -> None:
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # Failures are the ledger's to tell, not the log's.
    os.environ.update(SWITCHES, TUNE_MAX_PENDING_TRIALS_PG=str(parts.search_alg.gpu_packing.slots))
    crew = _crew(spec)
    trainable = tune.with_parameters(StagedTrainable, shared=shared, crew=crew)
    with TemporaryDirectory(prefix="sieve-tune-", ignore_cleanup_errors=True) as scratch:
        folder = logs if spec.loggers else Path(scratch) / spec.name
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=parts.search_alg,
                scheduler=parts.scheduler,
                reuse_actors=crew is None,  # An idle one would hold the GPUs of its processes.
                trial_name_creator=_trial_name,
                trial_dirname_creator=_trial_name,
            ),
            run_config=tune.RunConfig(
                name=folder.name,
                storage_path=str(folder.parent),
                stop=parts.stopper,
                callbacks=[parts.callback, *loggers.create(spec.loggers, spec.name, folder)],
                verbose=0,
            ),
        )
        tuner.fit()


def _crew(spec: Spec) -> Crew | None:
    """The processes of a trial, None for the one that Tune starts."""
    asked = spec.resources
    return None if asked.processes == 1 else Crew(asked.processes, asked.cpu, float(asked.gpu) / asked.processes)


def _trial_name(trial: Any) -> str:
    return str(trial.trial_id)
