"""Schedulers (Ray Tune: ``TrialScheduler``; Optuna: pruners): how far each trial goes, each verdict with a reason."""

from __future__ import annotations

import importlib

from service.policy.schedule.rungs import Rungs
from service.policy.worth.stage_worths import StageWorths
from service.spec import Spec

RUNGS = {
    "fifo": "service.policy.schedule.fifo:FifoRungs",
    "asha": "service.policy.schedule.asha:AshaRungs",
    "hyperband": "service.policy.schedule.hyperband:HyperbandRungs",
    "promote": "service.policy.schedule.promote:PromoteRungs",
}

__all__ = ["RUNGS", "Rungs", "create"]


def create(spec: Spec, worths: StageWorths | None = None) -> Rungs:
    """The scheduler that ``spec.schedule`` names, over the stages of ``spec``; fifo for a single stage.

    ``worths`` is updated by the caller with each value; without it decisions are taken at every rung.
    """
    algorithm = "fifo" if spec.plan.last == 0 else spec.schedule.algorithm
    module, _, name = RUNGS[algorithm].partition(":")
    rungs: Rungs = getattr(importlib.import_module(module), name)(spec, worths or StageWorths(spec))
    return rungs
