"""The plug-ins by which Tune runs a round, put together."""

from __future__ import annotations

from dataclasses import dataclass

from service.engine.head.assignments import Assignments
from service.engine.head.failures.failed_trials import FailedTrials
from service.engine.head.failures.silence_watch import SilenceWatch
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.engine.head.trial_queue import TrialQueue
from service.engine.head.trial_resources import TrialResources
from service.engine.head.tune.callback import LedgerCallback
from service.engine.head.tune.failure_callback import FailureCallback
from service.engine.head.tune.scheduler import PolicyScheduler
from service.engine.head.tune.search_alg import PolicySearchAlg
from service.engine.state.dismissals import Dismissals
from service.engine.state.rounds import Round
from service.policy.policy import Policy


@dataclass(frozen=True)
class TunePlugins:
    """What Tune runs a round by, under Tune's names."""

    search_alg: PolicySearchAlg
    scheduler: PolicyScheduler
    callbacks: tuple[LedgerCallback, FailureCallback]
    stopper: SweepStopper


class PluginFactory:
    """Makes the plug-ins of each round, over what all rounds of a head share."""

    def __init__(
        self, trial_log: TrialLog, stopper: SweepStopper, share: TrialResources, assignments: Assignments
    ) -> None:
        self._trial_log = trial_log
        self._stopper = stopper
        self._share = share
        self._assignments = assignments

    def of(self, round: Round, policy: Policy, dismissals: Dismissals) -> TunePlugins:
        """The plug-ins of ``round``, which goes by ``policy``."""
        spec, log, stopper = round.spec, self._trial_log, self._stopper
        packing, concurrency, guard = self._share.gpu_packing, self._share.concurrency, self._share.guard
        queue = TrialQueue(round, policy, log, packing, stopper)
        scheduler = PolicyScheduler(policy, log, spec.metric.name, concurrency, queue)
        failed = FailedTrials(spec, log, stopper, concurrency, guard, dismissals)
        return TunePlugins(
            PolicySearchAlg(queue, concurrency, packing, self._assignments),
            scheduler,
            (
                LedgerCallback(spec, log, scheduler, packing, dismissals, stopper),
                FailureCallback(log, guard, failed, queue, SilenceWatch(spec, log)),
            ),
            stopper,
        )
