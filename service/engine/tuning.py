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

from cluster.ray_internals.switches import SYNC_QUIETLY
from service.engine import loggers
from service.engine.course import Course
from service.engine.proposals import Proposals
from service.engine.recorder import Recorder
from service.engine.verdicts import Verdicts
from service.spec import Spec
from trainables.distributed import Crew
from trainables.staged import StagedTrainable

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
class Parts:
    """What Tune runs a sweep by."""

    proposals: Proposals
    verdicts: Verdicts
    recorder: Recorder
    course: Course


IDLE = 1.0
"""Seconds between two looks at the course while there is no place for any trial."""


def drive(spec: Spec, logs: Path, parts: Parts, shared: Sequence[Any]) -> None:
    """Run Tune until its search is over or the course ends; ``shared`` goes to every worker.

    Where orders leave the sweep no slot, Tune ends with the last trial, so that it holds nothing, and begins again when
    there is one. Tune's own files matter to the loggers that the spec names: they go to the folder ``logs``, one for
    each head, and to others beside it for each further time that Tune begins. Without loggers they are thrown away.
    """
    times = 0
    while not (parts.proposals.over or parts.course.stop_all()):
        if parts.proposals.slots.count == 0:
            parts.proposals.slots.wait(IDLE)
            continue
        times += 1
        _fit(spec, logs if times == 1 else logs.with_name(f"{logs.name}-again-{times}"), parts, shared)


def _fit(spec: Spec, logs: Path, parts: Parts, shared: Sequence[Any]) -> None:
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # Failures are the ledger's to tell, not the log's.
    os.environ.update(SWITCHES, TUNE_MAX_PENDING_TRIALS_PG=str(parts.proposals.sharing.slots))
    crew = _crew(spec)
    trainable = tune.with_parameters(StagedTrainable, shared=shared, crew=crew)
    with TemporaryDirectory(prefix="sieve-tune-", ignore_cleanup_errors=True) as scratch:
        folder = logs if spec.loggers else Path(scratch) / spec.name
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(
                search_alg=parts.proposals,
                scheduler=parts.verdicts,
                reuse_actors=crew is None,  # An idle one would hold the GPUs of its processes.
                trial_name_creator=_trial_name,
                trial_dirname_creator=_trial_name,
            ),
            run_config=tune.RunConfig(
                name=folder.name,
                storage_path=str(folder.parent),
                stop=parts.course,
                callbacks=[parts.recorder, *loggers.create(spec.loggers, spec.name, folder)],
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
