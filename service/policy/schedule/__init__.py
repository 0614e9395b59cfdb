"""Schedulers (Ray Tune: ``TrialScheduler``; Optuna: pruners): how far each trial goes, each verdict with a reason."""

from __future__ import annotations

import importlib

from service.policy.schedule.scheduler import RungScheduler
from service.policy.worth.worth_tracker import WorthTracker
from service.spec import Spec

SCHEDULERS = {
    "fifo": "service.policy.schedule.fifo:FifoScheduler",
    "asha": "service.policy.schedule.asha:AshaScheduler",
    "hyperband": "service.policy.schedule.hyperband:HyperbandScheduler",
    "promote": "service.policy.schedule.promote:PromoteScheduler",
}

__all__ = ["SCHEDULERS", "RungScheduler", "create"]


def create(spec: Spec, worths: WorthTracker | None = None) -> RungScheduler:
    """The scheduler that ``spec.schedule`` names, over the stages of ``spec``; fifo for a single stage.

    ``worths`` is updated by the caller with each value; without it decisions are taken at every rung.
    """
    algorithm = "fifo" if spec.plan.last == 0 else spec.schedule.algorithm
    module, _, name = SCHEDULERS[algorithm].partition(":")
    rungs: RungScheduler = getattr(importlib.import_module(module), name)(spec, worths or WorthTracker(spec))
    return rungs
