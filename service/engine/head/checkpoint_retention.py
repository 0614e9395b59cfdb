"""Retention of checkpoints on disk, by the spec's ``checkpoints.keep``."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from service.engine.head.trial_log import TrialLog
from service.ledger.records import TrialRecord
from service.spec import Spec
from service.states import TRIAL_CUT_SHORT, TRIAL_OVER


class CheckpointRetention:
    """Deletes checkpoints by the spec's ``checkpoints.keep`` (Ray: ``CheckpointConfig(num_to_keep)``).

    ``best`` keeps that of the best finished trial alone, ``finished`` those of all finished trials, ``all`` everything.
    A trial that has reached the target counts as finished here, though the sweep ended before its stage did.
    Trials that may still run keep theirs always. A checkpoint goes only after the ledger knows that its trial has
    ended: a head that is killed in between must find the checkpoint of every trial it has to run again. The best is
    chosen among rounds with the stages of the newest round.
    """

    def __init__(self, spec: Spec, trial_log: TrialLog) -> None:
        self._spec = spec
        self._keep = spec.checkpoints.keep
        self._sign = 1.0 if spec.metric.goal == "maximize" else -1.0
        self._trial_log = trial_log
        self._known = {number for number, row in trial_log.trials.items() if row.state in TRIAL_OVER}

    def remove(self, written: Iterable[TrialRecord]) -> bool:
        """Delete what is not needed now that the rows ``written`` are in the ledger; whether rows have changed by it.

        Only the thread that writes the ledger calls it.
        """
        if self._keep == "all":
            return False
        needless: list[int] = []
        reached = self._trial_log.reached(self._spec)
        for row in (row for row in written if row.state in TRIAL_OVER):
            self._known.add(row.number)
            if row.state in TRIAL_CUT_SHORT and row.number not in reached:
                needless.append(row.number)
            elif self._keep == "best":
                needless.extend(self._beaten())
        removed = [number for number in dict.fromkeys(needless) if self._trial_log.trials[number].checkpoint]
        for number in removed:
            shutil.rmtree(Path(str(self._trial_log.trials[number].checkpoint)).parent, ignore_errors=True)
            self._trial_log.change(number, checkpoint=None)
        return bool(removed)

    def _beaten(self) -> list[int]:
        """The finished trials that are not the best, of those that the ledger knows to be over."""
        newest = max(row.round for row in list(self._trial_log.trials.values()))
        values = self._trial_log.finals(self._spec, newest)
        known = {number: value for number, value in values.items() if number in self._known}
        best = max(known, key=lambda number: (self._sign * known[number], -number), default=0)
        return [number for number in known if number != best]
