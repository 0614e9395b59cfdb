"""The rounds of a sweep: which comes next, and the policy that it begins with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from service.engine.head.replay import History, rebuild, remember
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.engine.state.rounds import Round, goes_on, opening, spec_of_round
from service.engine.state.user_searcher import foreign
from service.engine.state.warm_start import earlier, taught
from service.ledger.ledger import Ledger
from service.ledger.records import Batch, DecisionRecord, SweepRecord
from service.policy.observation import Observation
from service.policy.policy import Policy
from service.policy.search.warm_start.past import Past
from service.spec import Spec
from service.spec.errors import SieveError
from service.spec.states import is_verdict


class SweepRounds:
    """The rounds of the sweep of ``spec``, from what ``ledger`` has of it; ``trial_log`` is shown the old reports."""

    def __init__(
        self,
        ledger: Ledger,
        record: SweepRecord,
        spec: Spec,
        trial_log: TrialLog,
        stopper: SweepStopper,
        decisions: Sequence[DecisionRecord],
    ) -> None:
        self._ledger = ledger
        self._record = record
        self._spec = spec
        self._trial_log = trial_log
        self._stopper = stopper
        verdicts = [decision for decision in decisions if is_verdict(decision.verdict)]
        self._history = History(ledger.reports(record.name), verdicts)
        remember(trial_log, spec, self._history)

    def __iter__(self) -> Iterator[Round]:
        """The rounds to run: that of the newest trial, then one after another until the sweep is over."""
        newest = max((row.round for row in self._trial_log.trials.values()), default=0)
        round: Round | None = self._round(newest)
        while round is not None and self._stopper.ending is None:
            yield round
            round = self._following(round)

    def policy(self, round: Round) -> Policy:
        """The policy of a round, which knows what happened in it before this head, and learns from the rounds before.

        Raises:
            UserError: a searcher of the user's own is not to be had.
        """
        past = self._trial_log.table()[: round.before]
        policy = Policy(round.spec, foreign(round.spec, self._record.project), past, self._lessons(past))
        rebuild(policy, self._trial_log, self._spec, self._history, round.before)
        policy.worths.news()  # What the old head knew is on record.
        return policy

    def _following(self, round: Round) -> Round | None:
        """The next round, its space in the ledger; None if the sweep is over."""
        table, number = self._trial_log.table(round.before), round.number + 1
        if self._stopper.ending or not goes_on(self._spec, round.number, len(self._trial_log.trials), table):
            return None
        name = self._record.name
        space = opening(self._spec, number, self._ledger.spaces(name), table, self._stopper.seconds())
        try:
            if space is not None:
                self._ledger.append(name, self._record.attempt, Batch(spaces=[space]))
        except SieveError as error:
            self._stopper.pause(str(error))
            return None
        return self._round(number)

    def _round(self, number: int) -> Round:
        before = sum(row.round < number for row in self._trial_log.trials.values())
        spaces = self._ledger.spaces(self._record.name)
        return Round(number, spec_of_round(self._spec, number, spaces, before), before)

    def _lessons(self, past: Sequence[Observation]) -> list[Past]:
        rounds: dict[int, list[Observation]] = {}
        for observation in past:
            rounds.setdefault(self._trial_log.trials[observation.trial].round, []).append(observation)
        return [*taught(self._spec, self._ledger.pasts(self._record.name)), *earlier(self._spec, rounds)]
