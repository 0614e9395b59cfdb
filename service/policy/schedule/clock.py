"""The time (Ray Tune: ``time_attr``) for Tune's schedulers: geometric in the stages, whatever their budgets."""

from __future__ import annotations


def stage_end(stage: int, reduction_factor: float) -> float:
    """Time at the end of ``stage`` (from 0): ``reduction_factor ** stage``, where Tune's ASHA has its rungs."""
    return float(reduction_factor**stage)
