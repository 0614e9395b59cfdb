"""Assignments of trials to workers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from service.engine.head.trial_log import TrialLog
from service.ledger.home import checkpoint_folder
from service.ledger.records import TrialRecord
from service.spec import Spec
from service.spec.flat import nest
from trainables.datasets.downloads import data_folder
from trainables.loop.assignment import Assignment


class Assignments:
    """Makes from a trial's row what its worker is to do; ``spec`` is the sweep's, ``home`` has its checkpoints."""

    def __init__(self, spec: Spec, project: str, home: Path, trial_log: TrialLog) -> None:
        self._spec = spec
        self._project = project
        self._checkpoints = checkpoint_folder(home, spec.name)
        self._trial_log = trial_log

    def of(self, row: TrialRecord) -> Assignment:
        """The assignment of a trial that is about to run."""
        spec = self._spec
        return Assignment(
            config=nest(row.config),
            trial=row.number,
            seed=int(np.random.default_rng((spec.search.seed, row.number)).integers(2**31)),
            metric=spec.metric.name,
            plan=spec.plans[spec.plan_number(row.round)],
            task=spec.task,
            project=self._project,
            folder=self._checkpoints / f"{row.number:05d}",
            reported=self._trial_log.track(row.number).reported,
            data_seed=spec.search.seed,
            skipped=tuple(row.skipped),
            data_dir=self._data_dir(),
        )

    def _data_dir(self) -> str | None:
        """The folder of the data; a worker finds a relative one as the head does, by the project folder that it has."""
        if self._spec.data_dir is not None:
            return self._spec.data_dir
        folder = data_folder(None, self._project)
        return None if folder is None else str(folder)
