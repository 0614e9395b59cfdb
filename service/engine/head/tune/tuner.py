"""Ray Tune's Tuner, set up for a round."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ray import tune

from cluster.ray_internals.undocumented_switches import SYNC_QUIETLY
from cluster.ray_internals.worker_errors import each_of_its_trial
from cluster.ray_internals.workers import STAY
from service.engine.head.resources.concurrency import Concurrency
from service.engine.head.tune import loggers
from service.engine.head.tune.plugins import TunePlugins
from service.engine.state.rounds import Round
from service.policy.cluster_share.request import most_processes
from service.spec import Spec
from trainables.worker.staged import StagedTrainable

SWITCHES = {
    **STAY,
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000000",
    **SYNC_QUIETLY,
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "RAY_AIR_NEW_OUTPUT": "0",
}
"""The ledger replaces Tune's loggers and snapshots; the trainable checks metrics; the head handles SIGINT itself;
workers have the head's working directory, for relative paths of a task."""


IDLE = 1.0
"""Seconds between two looks at the stopper while there is no place for any trial."""


class TuneRun:
    """Runs Ray Tune for one round after another of a head; ``shared`` goes to every worker.

    Tune's own files matter to the loggers that the spec names: they go to the folder ``logs``, one for each head, and
    to others beside it for later rounds and for each further time that Tune begins. Without loggers they are thrown
    away.
    """

    def __init__(self, logs: Path, shared: Sequence[Any], concurrency: Concurrency) -> None:
        self._logs = logs
        self._shared = shared
        self._concurrency = concurrency

    def run(self, round: Round, plugins: TunePlugins) -> None:
        """Run Tune until the round's search is over or the sweep ends.

        Where orders leave the sweep no slot, Tune ends with the last trial, so that it holds nothing, and begins again
        when there is one.
        """
        logs = self._logs if round.number == 0 else self._logs.with_name(f"{self._logs.name}-round-{round.number}")
        times = 0
        while not (plugins.search_alg.over or plugins.stopper.stop_all()):
            if self._concurrency.count == 0:
                self._concurrency.wait(IDLE)
                continue
            times += 1
            self._fit(round.spec, logs if times == 1 else logs.with_name(f"{logs.name}-again-{times}"), plugins)

    def _fit(self, spec: Spec, logs: Path, plugins: TunePlugins) -> None:
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)  # Failures are in the ledger.
        os.environ.update(SWITCHES, TUNE_MAX_PENDING_TRIALS_PG=str(self._concurrency.room))
        trainable = tune.with_parameters(StagedTrainable, shared=self._shared)
        with TemporaryDirectory(prefix="sieve-tune-", ignore_cleanup_errors=True) as scratch:
            folder = logs if spec.loggers else Path(scratch) / spec.name
            tuner = tune.Tuner(
                trainable,
                tune_config=tune.TuneConfig(
                    search_alg=plugins.search_alg,
                    scheduler=plugins.scheduler,
                    # An idle worker that leads others would hold the GPUs of its processes.
                    reuse_actors=most_processes(spec) == 1,
                    trial_name_creator=_trial_name,
                    trial_dirname_creator=_trial_name,
                ),
                run_config=tune.RunConfig(
                    name=folder.name,
                    storage_path=str(folder.parent),
                    stop=plugins.stopper,
                    callbacks=[*plugins.callbacks, *loggers.create(spec.loggers, spec.name, folder)],
                    verbose=0,
                ),
            )
            with each_of_its_trial():
                tuner.fit()


def _trial_name(trial: Any) -> str:
    return str(trial.trial_id)
