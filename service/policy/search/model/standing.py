"""Ranking of trials of different stages by their estimated loss at the last stage."""

from __future__ import annotations

import math
from collections.abc import Sequence

from service.policy.observation import Observation
from service.policy.search.model.estimates import estimate

DOUBT = 0.5
"""Standard deviations that are added to a trial's estimated loss."""


def standing(table: Sequence[Observation], goal: str) -> list[Observation]:
    """The trials that ended a stage or failed, best first, by their `estimates` of the last stage's loss.

    A good trial at a low stage may rank before a poor one at a higher stage: if the stage ranked first, a searcher's
    good trials would soon be only the few that were promoted, and no new one could join them. The standard deviation of
    the estimate counts against a trial (`DOUBT`). Failed trials and values that are not numbers come last.
    """
    told = [o for o in table if o.values or o.state == "FAILED"]
    place = {e.trial: e.loss + DOUBT * math.sqrt(e.variance) for e in estimate(told, goal)}
    return sorted(told, key=lambda o: (broken(o), place.get(o.trial, 0.0), -o.stage, o.trial))


def broken(observation: Observation) -> bool:
    """Whether a trial failed or has no number as its newest value."""
    return observation.state == "FAILED" or not math.isfinite(observation.values.get(observation.stage, math.nan))
