"""The target of a sweep, held against the reports of a trial by a head and by the simulator."""

from __future__ import annotations

from service.engine.state.trial_progress import TrialProgress
from service.ledger.records import TrialRecord
from service.policy.limits import Reached
from service.spec import Spec


def target_reached(spec: Spec, row: TrialRecord, track: TrialProgress) -> Reached | None:
    """The report by which a trial has reached the target of the sweep of ``spec``; None if its newest has not.

    It depends on the reports alone, so that a sweep that has ended by its target is over for each later head, too. An
    older value does not count, as where a sweep gets an easier target: the weights that had it are gone.
    """
    stage = spec.target_stage(row.round)
    return None if stage is None else track.reached.get(stage)
