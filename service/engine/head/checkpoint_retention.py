"""Retention of checkpoints on disk, by the spec's ``checkpoints.keep``."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from service.engine.head.trial_log import TrialLog
from service.ledger.records import TrialRecord
from service.spec import Spec
from service.spec.states import TRIAL_CUT_SHORT


class CheckpointRetention:
    """Removes the checkpoints that nothing can go on from.

    ``best`` keeps that of the best finished trial alone, ``finished`` those of all finished trials, ``all`` everything.
    Trials that may still run keep theirs always. A checkpoint goes only after the ledger knows that its trial has
    ended: a head that is killed in between must find the checkpoint of every trial it has to run again. The best is
    chosen among rounds with the stages of the newest round.
    """

    def __init__(self, spec: Spec, trial_log: TrialLog) -> None:
        self._spec = spec
        self._keep = spec.checkpoints.keep
        self._sign = 1.0 if spec.metric.goal == "maximize" else -1.0
        self._trial_log = trial_log
        self._finished = {number for number, row in trial_log.trials.items() if row.state == "FINISHED"}

    def remove(self, written: Iterable[TrialRecord]) -> bool:
        """Delete what is not needed now that the rows ``written`` are in the ledger; whether rows have changed by it.

        Only the thread that writes the ledger calls it.
        """
        needless: list[int] = []
        for row in written:
            if row.state in TRIAL_CUT_SHORT and self._keep != "all":
                needless.append(row.number)
            elif row.state == "FINISHED":
                self._finished.add(row.number)
                if self._keep == "best":
                    needless.extend(self._beaten())
        removed = [number for number in dict.fromkeys(needless) if self._trial_log.trials[number].checkpoint]
        for number in removed:
            shutil.rmtree(Path(str(self._trial_log.trials[number].checkpoint)).parent, ignore_errors=True)
            self._trial_log.change(number, checkpoint=None)
        return bool(removed)

    def _beaten(self) -> list[int]:
        """The finished trials that are not the best, of those that the ledger knows to have finished."""
        newest = max(row.round for row in list(self._trial_log.trials.values()))
        values = self._trial_log.finished(self._spec, newest)
        known = {number: value for number, value in values.items() if number in self._finished}
        best = max(known, key=lambda number: (self._sign * known[number], -number), default=0)
        return [number for number in known if number != best]
