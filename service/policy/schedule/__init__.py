"""Schedulers: how far each trial goes. Every verdict has its reason in words."""

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
    """The rungs that ``spec.schedule`` names, over the stages of ``spec``; a single stage leaves nothing to decide.

    ``worths`` is what its owner learns of the stages; without it all of them are taken to be worth their price.
    """
    algorithm = "fifo" if spec.plan.last == 0 else spec.schedule.algorithm
    module, _, name = RUNGS[algorithm].partition(":")
    rungs: Rungs = getattr(importlib.import_module(module), name)(spec, worths or StageWorths(spec))
    return rungs
