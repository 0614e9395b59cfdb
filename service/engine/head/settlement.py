"""How trials and their sweep stand when a head ends."""

from __future__ import annotations

import time
from dataclasses import replace

from service.engine.head.dismissals import Dismissals
from service.engine.head.trial_log import TrialLog
from service.policy.limits import Ending, outcome


def settle(trial_log: TrialLog, dismissals: Dismissals, ending: Ending | None) -> None:
    """Record what becomes of the trials that a round leaves unfinished, as the sweep ends by ``ending``.

    Where the sweep can go on, what was cut short waits for the next head; else it ends with the sweep. Without an
    ending the search of the round is over, and whoever waits at a rung goes no further.
    """
    if ending is None:
        dismissals.record(over=True)
        return
    for number in trial_log.unfinished():
        if ending.state not in ("PAUSED", "QUEUED"):
            state = "CANCELLED" if ending.state == "CANCELLED" else "STOPPED"
            trial_log.change(number, state=state, why=f"the sweep ended: {ending.why}", finished=time.time())
        elif trial_log.trials[number].state != "PAUSED":
            trial_log.change(number, state="PENDING", why=ending.why)


def outcome_of(trial_log: TrialLog, sweep: str) -> Ending:
    """How the sweep of that name has ended by its trials, its search being over."""
    trials = trial_log.trials
    last = trials[max(trials)].why if trials else ""
    ending = outcome([row.state for row in trials.values()], last)
    if ending.state != "FAILED":
        return ending
    return replace(ending, why=f"{ending.why}; mend the cause, then `sieve rm {sweep}` and run it again")
