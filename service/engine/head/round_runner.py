"""The runner of a sweep's rounds."""

from __future__ import annotations

from service.engine.head.heartbeat import Heartbeat
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.engine.head.tune.plugins import PluginFactory
from service.engine.head.tune.tuner import TuneRun
from service.engine.state.dismissals import Dismissals
from service.engine.state.rounds import Round
from service.policy.policy import Policy


class RoundRunner:
    """Runs a round by Ray Tune, under a heartbeat, and settles what is left when Tune ends."""

    def __init__(
        self,
        trial_log: TrialLog,
        stopper: SweepStopper,
        heartbeat: Heartbeat,
        plugins: PluginFactory,
        tune: TuneRun,
    ) -> None:
        self._trial_log = trial_log
        self._stopper = stopper
        self._heartbeat = heartbeat
        self._plugins = plugins
        self._tune = tune

    def run(self, round: Round, policy: Policy) -> None:
        """Train until the search of the round is over or the sweep ends; all that happened is in the ledger then."""
        dismissals = Dismissals(policy, self._trial_log, self._stopper.seconds)
        dismissals.record()
        plugins = self._plugins.of(round, policy, dismissals)
        with self._heartbeat as heartbeat:
            heartbeat.beat()
            self._tune.run(round, plugins)
            dismissals.settle(self._stopper.ending)
            heartbeat.write()
