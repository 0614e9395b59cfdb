"""Tune's callback for trials that break."""

from __future__ import annotations

from typing import Any

from ray.tune import Callback

from cluster.ray_internals.actors import end, worker_of
from cluster.ray_internals.worker_errors import error_of, memory_kill, said_of
from service.engine.head.failures.failed_trials import FailedTrials
from service.engine.head.failures.failure_guard import FailureGuard
from service.engine.head.failures.silence_watch import SilenceWatch
from service.engine.head.no_snapshot import NoSnapshot
from service.engine.head.trial_log import TrialLog
from service.engine.head.trial_queue import TrialQueue
from service.engine.head.tune.placement import place_of
from service.engine.state.trial_failure import TrialFailure
from service.ledger.records import TrialRecord
from service.policy.failures.company import killed
from trainables.errors import Unrestorable, one_line
from trainables.worker.distributed import free


class FailureCallback(NoSnapshot, Callback):
    """Tune callback that records failures, ends trials that hang, and passes reports on to the `FailureGuard`."""

    def __init__(
        self, trial_log: TrialLog, guard: FailureGuard, failed: FailedTrials, queue: TrialQueue, watch: SilenceWatch
    ) -> None:
        self._trial_log = trial_log
        self._guard = guard
        self._failed = failed
        self._queue = queue
        self._watch = watch
        self._workers: dict[str, str | None] = {}
        self._running: dict[int, Any] = {}
        self._hung: dict[str, str] = {}

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        self._guard.look()
        for number, why in self._watch.hung():
            trial = self._running[number]
            self._hung[trial.trial_id] = why
            end(trial)

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._workers[trial.trial_id] = worker_of(trial)
        number = int(trial.config["trial"])
        self._running[number] = trial
        if not trial.config.get("crew"):  # Processes that train as one may wait for their places first.
            self._watch.heard(number)

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        about = result["sieve"]
        node, failure = about.get("node"), about.get("failure")
        if not failure:
            self._watch.heard(int(trial.config["trial"]))
            self._guard.passed(node, (result["stage"], about["done_in_stage"]))
            return
        message = one_line(failure["message"])
        self._broke(trial, TrialFailure(failure["kind"], message, failure["traceback"], node))

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._watch.left(int(trial.config["trial"]))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if trial.config.get("crew"):
            free()
        error = error_of(trial)
        worker = self._workers.get(trial.trial_id)
        kill, node = memory_kill(error, worker), place_of(worker)
        if trial.trial_id in self._hung:
            self._broke(trial, TrialFailure("hang", self._hung[trial.trial_id], error, node))
        elif kill is not None:
            self._broke(trial, TrialFailure("killed", killed(kill.took, kill.used, kill.total), error, node))
        else:
            said = said_of(error)
            spoilt = f"{Unrestorable.__name__}: " in said
            self._broke(trial, TrialFailure("spoilt" if spoilt else "worker", said, error, node))

    def _broke(self, trial: Any, failure: TrialFailure) -> None:
        row: TrialRecord = self._trial_log.trials[int(trial.config["trial"])]
        self._watch.left(row.number)
        if self._failed.broke(row, failure):
            self._queue.append(row.number)
