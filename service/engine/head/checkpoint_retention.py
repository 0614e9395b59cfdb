"""Which trials' checkpoints stay on disk: the spec's ``checkpoints.keep``."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

from service.engine.head.trial_log import TrialLog
from service.ledger.records import TrialRecord
from service.spec import Spec
from service.spec.states import TRIAL_CUT_SHORT


class CheckpointRetention:
    """Removes the checkpoints that nothing can go on from.

    ``best`` keeps that of the best finished trial alone, ``finished`` those of all finished trials, ``all`` everything.
    Trials that may still run keep theirs always. Removal waits until the ledger knows that the trial has ended: a head
    that is killed in between must find the checkpoint of every trial it has to run again. The best are those of
    rounds with the stages of ``round``.
    """

    def __init__(self, spec: Spec, trial_log: TrialLog, round: int = 0) -> None:
        self._spec = spec
        self._keep = spec.checkpoints.keep
        self._round = round
        self._sign = 1.0 if spec.metric.goal == "maximize" else -1.0
        self._trial_log = trial_log
        self._lock = threading.Lock()
        self._doomed: list[int] = []

    def ended(self, trial: TrialRecord) -> None:
        """Note what is not needed now that ``trial``, whose new state is in the journal, has ended."""
        with self._lock:
            if trial.state in TRIAL_CUT_SHORT and self._keep != "all":
                self._doomed.append(trial.number)
            elif trial.state == "FINISHED" and self._keep == "best":
                self._doomed.extend(n for n in self._beaten() if n not in self._doomed)

    def take(self) -> list[int]:
        """The trials whose checkpoints may go once the journal is flushed."""
        with self._lock:
            doomed, self._doomed = self._doomed, []
            return doomed

    def remove(self, doomed: list[int]) -> None:
        """Delete the checkpoints of these trials."""
        for number in doomed:
            checkpoint = self._trial_log.trials[number].checkpoint
            if checkpoint:
                shutil.rmtree(Path(checkpoint).parent, ignore_errors=True)
                self._trial_log.change(number, checkpoint=None)

    def _beaten(self) -> list[int]:
        values = self._trial_log.finished(self._spec, self._round)
        best = max(values, key=lambda n: (self._sign * values[n], -n), default=0)
        return [n for n in values if n != best and self._trial_log.trials[n].checkpoint]
