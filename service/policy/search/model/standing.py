"""Trials from the best to the worst, whatever stage each of them has come to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.policy.observation import Observation
from service.policy.search.model.estimates import estimate
from service.policy.search.model.trial_arrays import TrialArrays

DOUBT = 0.5
"""A trial stands where it would if it turned out worse than expected by so many standard deviations."""


def standing(table: Sequence[Observation], goal: str) -> list[Observation]:
    """The trials that ended a stage or failed, best first, by their `estimates` of the last stage's value.

    A good trial that has not come far may stand before a poor one that has: if whoever came further stood first, then
    all that a searcher takes for good would soon be the few that were promoted, and nothing new could join them. Doubt
    counts against it (`DOUBT`), and as much as its stage foretells is learned from those that went on. Failed trials
    and values that are not numbers come last.
    """
    return ranked(TrialArrays(goal, table))


def ranked(trials: TrialArrays) -> list[Observation]:
    """The same of a table that is kept as a `TrialArrays`."""
    estimates = estimate(trials.sound)
    place = np.zeros(len(trials))
    place[estimates.rows] = estimates.losses + DOUBT * np.sqrt(estimates.variances)
    ordered = np.lexsort((-trials.stages, place, trials.broken))
    return [trials.observations[row] for row in ordered[trials.told[ordered]]]
