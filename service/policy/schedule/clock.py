"""The clock of stages: any increasing plan looks geometric to a scheduler."""

from __future__ import annotations


def stage_end(stage: int, reduction_factor: float) -> float:
    """Time at the end of ``stage`` (from 0): ``reduction_factor ** stage``, just where Tune's ASHA puts its rungs."""
    return float(reduction_factor**stage)
