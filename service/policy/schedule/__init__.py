"""Schedulers: how far each trial goes. Tune's classes run on the clock of stages and every verdict has a reason."""

from __future__ import annotations

from service.policy.schedule.asha import AshaRungs
from service.policy.schedule.fifo import FifoRungs
from service.policy.schedule.staged import Rungs, StagedScheduler
from service.spec import Spec

RUNGS: dict[str, type[Rungs]] = {"fifo": FifoRungs, "asha": AshaRungs}

__all__ = ["RUNGS", "Rungs", "StagedScheduler", "create"]


def create(spec: Spec) -> StagedScheduler:
    """The scheduler that ``spec.schedule`` names, over the stages of ``spec``."""
    return StagedScheduler(RUNGS[spec.schedule.algorithm](spec), spec)
