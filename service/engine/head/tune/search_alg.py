"""Tune's search algorithm."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.search import SearchAlgorithm

from cluster.errors import RayChanged
from cluster.ray_internals import tune
from service.engine.head.assignments import Assignments
from service.engine.head.no_snapshot import NoSnapshot
from service.engine.head.resources.concurrency import Concurrency
from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.trial_queue import TrialQueue
from service.ledger.records import TrialRecord

LEG = "_"
"""What a Tune trial's name has between the trial's number and its leg, from the second one on."""


class PolicySearchAlg(NoSnapshot, SearchAlgorithm):
    """Tune search algorithm that hands out the next trial of the queue whenever a slot is free.

    A Tune trial is one leg of a Sieve trial: a retry, a promotion, or what a killed head left, is a new Tune trial with
    the old number and config, which goes on from its checkpoint. ``over``: nothing more comes. Without any slot, Tune's
    experiment ends though more comes.
    """

    def __init__(
        self, queue: TrialQueue, concurrency: Concurrency, gpu_packing: GpuPacking, assignments: Assignments
    ) -> None:
        self._queue = queue
        self._concurrency = concurrency
        self._gpu_packing = gpu_packing
        self._assignments = assignments
        self._live: set[str] = set()
        self._legs: Counter[int] = Counter()
        self.over = False
        self._experiment: dict[str, Any] = {}

    def add_configurations(self, experiments: Any) -> None:
        [experiment] = experiments
        self._experiment = experiment.spec

    def next_trial(self) -> Trial | None:
        trial = None if self.over or self._concurrency.free <= 0 or self._gpu_packing.waits else self._next()
        self._concurrency.wants(self._queue.waiting)
        return trial

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self._live.discard(trial_id)
        self._concurrency.left(number_of(trial_id))

    def is_finished(self) -> bool:
        """Whether Tune need not ask: nothing more comes, or there is no place for it.

        So it keeps no worker for another trial, whose resources are other sweeps' now. While trials run it asks this
        again and again; only without any is its experiment over, and with it all that it holds.
        """
        return (
            self.over
            or (not self._live and self._concurrency.count == 0)
            or (bool(self._live) and self._concurrency.full)
        )

    def set_finished(self) -> None:
        self.over = True
        self._queue.close()
        for trial_id in list(self._live):
            self.on_trial_complete(trial_id)

    def save_to_dir(self, dirpath: str, **kwargs: Any) -> None:
        """Nothing to save: the ledger is the truth."""

    def _next(self) -> Trial | None:
        row = self._queue.next(len(self._live))
        if row is None:
            self.over = not self._live
            return None
        try:
            trial = self._tune_trial(row)
        except RayChanged as error:
            self._queue.fail(str(error))
            return None
        self._live.add(trial.trial_id)
        self._concurrency.taken(row.number)
        return trial

    def _tune_trial(self, row: TrialRecord) -> Trial:
        leg = self._legs[row.number]
        assignment = self._assignments.of(row)
        stage = assignment.next_stage
        self._legs[row.number] += 1
        name = f"{row.number:05d}" + (f"{LEG}{leg}" if leg else "")
        config = assignment.to_dict() | {"crew": self._gpu_packing.crew(stage)}
        return tune.trial(self._experiment, name, config, self._gpu_packing.request(row.number, stage))


def number_of(trial_id: str) -> int:
    """The trial that a Tune trial is a leg of."""
    return int(trial_id.partition(LEG)[0])
