"""The share of the cluster that the trials of a head get."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cluster.inventory import joined
from cluster.ray_internals.worker_errors import memory_kill
from service.engine.fleet.capacity import smallest_gpu
from service.engine.head.failures.failure_guard import FailureGuard
from service.engine.head.resources.concurrency import Concurrency
from service.engine.head.resources.gpu_packing import GpuPacking
from service.engine.head.stopper import SweepStopper
from service.engine.head.trial_log import TrialLog
from service.ledger.records import DecisionRecord
from service.policy.failures.company import company
from service.spec import Spec
from service.states import FAILURE_DECISIONS, MEMORY_DECISIONS, TRIAL_TRAINING


@dataclass(frozen=True)
class TrialResources:
    """How much each trial gets, how many run at once, and on which nodes: for all rounds of a head."""

    gpu_packing: GpuPacking
    concurrency: Concurrency
    guard: FailureGuard

    @classmethod
    def of(
        cls,
        spec: Spec,
        trial_log: TrialLog,
        stopper: SweepStopper,
        decisions: Sequence[DecisionRecord],
        resources: Mapping[str, float],
        measure: Callable[[], int | None],
    ) -> TrialResources:
        """The share of the sweep of ``spec`` on a cluster that has ``resources``, as ``decisions`` left it.

        ``measure`` finds the peak memory of a trial in bytes, and is asked only where nothing else says it.

        Raises:
            UserError: not even one trial fits.
        """
        learned = [decision for decision in decisions if decision.verdict in MEMORY_DECISIONS]
        blamed = [decision for decision in decisions if decision.verdict in FAILURE_DECISIONS]
        packing = GpuPacking(spec, resources, learned, measure, smallest_gpu)
        guard = FailureGuard(spec, trial_log, stopper, packing, blamed, joined)
        concurrency = Concurrency(trial_log, packing)
        for row in trial_log.trials.values():
            if row.state in TRIAL_TRAINING and memory_kill(row.error or "", None) is not None:
                concurrency.limit(row.number, company(packing.slots, row.attempt))
        return cls(packing, concurrency, guard)
