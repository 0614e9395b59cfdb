"""Which wish leads from which state where: the one rule of the store, the heads, the daemon and the verbs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from service.spec.states import (
    PERSON_WISHES,
    STATE_WISHED,
    SWEEP_WITH_HEAD,
    SWEEP_WITHOUT_HEAD,
    SweepState,
    Wish,
)

Step = Literal["tell", "settle", "reopen", "keep", "refuse"]
"""What is to be done for a wish: its head hears it; without a head the sweep gets the state of `STATE_WISHED`, at once;
one that failed is queued again; nothing, for it is so; nothing, for it means nothing there."""

FULFILLED: Mapping[Wish, str] = {
    "pause": "paused as wished",
    "resume": "resumed as wished",
    "stop": "stopped as wished",
    "cancel": "cancelled as wished",
    "yield": "made room for another sweep",
}
"""Why a sweep is in the state that was wished, in words."""


def step(state: SweepState, wish: Wish, *, noted: Wish | None = None, alive: bool = True) -> Step:
    """What is to be done for ``wish`` at a sweep in ``state``; ``alive``: its head lives, if it is to have one.

    ``noted`` is what its head is told already. To resume takes a wish to pause back. Whoever runs a sweep with a dead
    head takes it over, so that nothing is to be done to resume it.
    """
    if state in SWEEP_WITH_HEAD and not alive:
        return "keep" if wish == "resume" else "refuse"
    if state in SWEEP_WITH_HEAD:
        return "tell" if wish != "resume" or noted == "pause" else "refuse"
    if state == "FAILED" and wish == "resume":
        return "reopen"
    if state not in SWEEP_WITHOUT_HEAD:
        return "refuse"
    return "keep" if state == STATE_WISHED[wish] else "settle"


def left(state: SweepState, wish: Wish | None) -> SweepState:
    """The state of a sweep that its head leaves in ``state``, where ``wish`` is noted.

    What a person wishes of a sweep that is left unfinished is done, even if the head has not heard of it.
    """
    return STATE_WISHED[wish] if state in SWEEP_WITHOUT_HEAD and wish in PERSON_WISHES else state
