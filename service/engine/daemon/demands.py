"""What sweeps want of a cluster, as the fair share knows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from service.ledger.records import SweepRecord
from service.ledger.store.store import Store
from service.policy.cluster_share.fair_share import UNBOUNDED, Demand, Quota
from service.policy.cluster_share.request import largest, requests
from service.policy.limits import max_trials
from service.spec import load
from service.spec.states import SWEEP_WITH_HEAD

ANYONE = "*"
"""Whose quota holds for owners without one of their own."""


def demand(record: SweepRecord, nodes: Sequence[Mapping[str, float]]) -> Demand:
    """What ``record`` wants: as its head says, or by its spec where it has none yet. It always wants one trial."""
    spec = load(record.spec)
    # By the largest stage: a share of the cluster that only holds coarse trials would never finish one.
    asked = largest(requests(spec, auto=1.0 if any(node.get("GPU") for node in nodes) else 0.0))
    whole = record.asks or asked.whole
    trials = [n for n in (spec.resources.max_concurrent, max_trials(spec)) if n is not None]
    wanted = min(trials, default=UNBOUNDED) if record.wanted is None else record.wanted
    return Demand(
        record.name,
        record.owner,
        record.state in SWEEP_WITH_HEAD,
        max(1, wanted),
        {name: amount / asked.processes for name, amount in whole.items() if amount},
        record.priority,
        record.weight,
        asked.processes,
    )


def quotas(store: Store, demands: Iterable[Demand]) -> dict[str, Quota]:
    """The quota of each owner of ``demands`` who has one, and what they have used of it."""
    known = {quota.owner: quota for quota in store.quotas.ls()}
    used = store.usage() if any(quota.gpu_hours is not None for quota in known.values()) else {}
    return {
        owner: Quota(quota.running, quota.gpu_hours, used.get(owner, 0.0) / 3600)
        for owner in {one.owner for one in demands}
        if (quota := known.get(owner) or known.get(ANYONE)) is not None
    }
