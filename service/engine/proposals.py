"""Tune's source of trials: unfinished ones under their old numbers first, then new ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.search.search_algorithm import SearchAlgorithm

from service.engine.journal import Journal
from service.engine.unsaved import Unsaved
from service.ledger.records import TrialRecord
from service.policy import limits
from service.policy.search import Searcher
from service.policy.search.proposal import propose
from service.spec import Spec

Assign = Callable[[TrialRecord], dict[str, Any]]


class Proposals(Unsaved, SearchAlgorithm):
    """Hands Tune a trial whenever fewer than ``slots`` are live.

    A Tune trial is one attempt at a Sieve trial: a retry, or what a killed head left, is a new Tune trial with the old
    number and config, which goes on from its checkpoint. ``assign`` turns a trial's row into its worker's config.
    """

    def __init__(self, journal: Journal, spec: Spec, searcher: Searcher, slots: int, assign: Assign) -> None:
        self._journal = journal
        self._spec = spec
        self._searcher = searcher
        self.slots = slots
        self._assign = assign
        self._offers = deque(journal.unfinished())
        self._live: set[str] = set()
        self._exhausted = False
        self._experiment: dict[str, Any] = {}

    @property
    def total_samples(self) -> int:
        return limits.max_trials(self._spec) or len(self._journal.trials)

    def add_configurations(self, experiments: Any) -> None:
        [experiment] = experiments
        self._experiment = experiment.spec

    def offer(self, number: int) -> None:
        """Run an unfinished trial again, before any new one."""
        self._offers.append(number)

    def next_trial(self) -> Trial | None:
        if (self._exhausted and not self._offers) or len(self._live) >= self.slots:
            return None
        record = self._journal.trials[self._offers.popleft()] if self._offers else self._new()
        if record is None:
            self._exhausted = True
            return None
        trial = self._tune_trial(record)
        self._live.add(trial.trial_id)
        return trial

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        self._live.discard(trial_id)

    def is_finished(self) -> bool:
        return self._exhausted and not self._offers and not self._live

    def set_finished(self) -> None:
        self._exhausted = True
        self._offers.clear()
        self._live.clear()

    def save_to_dir(self, dirpath: str, **kwargs: Any) -> None:
        """Nothing to save: the ledger is the truth."""

    def _new(self) -> TrialRecord | None:
        number = max(self._journal.trials, default=0) + 1
        limit = limits.max_trials(self._spec)
        if limit is not None and number > limit:
            return None
        proposal = propose(self._spec, self._searcher, number, self._journal.table())
        if proposal is None:
            return None
        record = TrialRecord(number, dict(proposal.config), "PENDING", stage=0, origin=proposal.origin)
        self._journal.record(record)
        if number == limit:
            self._exhausted = True
        return record

    def _tune_trial(self, record: TrialRecord) -> Trial:
        spec = self._experiment
        attempt = f"{record.number:05d}" + (f"_{record.attempt}" if record.attempt else "")
        return Trial(
            trainable_name=spec["run"],
            config=self._assign(record),
            trial_id=attempt,
            experiment_tag=attempt,
            storage=spec["storage"],
            checkpoint_config=spec["checkpoint_config"],
            placement_group_factory=spec.get("resources_per_trial"),
            trial_name_creator=spec.get("trial_name_creator"),
            trial_dirname_creator=spec.get("trial_dirname_creator"),
        )
