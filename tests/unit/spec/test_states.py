"""The words for states, wishes and decisions are written down once: no other file of the service has a set of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from service.spec import states
from service.spec.states import (
    DECISIONS,
    PERSON_WISHES,
    STATE_WISHED,
    SWEEP_LEFT_BY_HEAD,
    SWEEP_NEXT,
    SWEEP_OVER,
    SWEEP_SETTLED,
    SWEEP_WITH_HEAD,
    TRIAL_NEXT,
    TRIAL_OPEN,
    TRIAL_OVER,
    WISHES,
    SweepState,
    TrialState,
)

SERVICE = Path(states.__file__).parents[1]
HERE = Path(states.__file__)
VOCABULARIES = (frozenset(SWEEP_NEXT) | frozenset(TRIAL_NEXT), frozenset(WISHES) | frozenset(DECISIONS))


def sets_of(text: str) -> Iterator[int]:
    """The lines with a tuple, list or set of two or more words of one vocabulary; a Literal's are a tuple, too."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            words = {one.value for one in node.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)}
            if any(len(words & vocabulary) > 1 for vocabulary in VOCABULARIES):
                yield node.lineno


@pytest.mark.parametrize(
    "text",
    [
        'ENDED = ("SUCCEEDED", "STOPPED")',
        'known = frozenset({"PENDING", "RUNNING", "x"})',
        'gone = state in ["STOPPED", "FAILED"]',
        'State = Literal["QUEUED", "RUNNING"]',
        'WISHES = ("pause", "stop")',
        'AGAIN = (*others, "halt", "avoid")',
    ],
)
def test_a_set_of_words_is_seen(text: str) -> None:
    assert list(sets_of(text)) == [1]


@pytest.mark.parametrize("text", ['METHODS = {"GET", "HEAD"}', 'one = ("RUNNING", 1)', 'Call("POST", ("a", "pause"))'])
def test_others_are_not(text: str) -> None:
    assert list(sets_of(text)) == []


def test_no_set_of_states_wishes_or_decisions_is_written_down_elsewhere() -> None:
    found = {
        f"{path.relative_to(SERVICE)}:{line}"
        for path in SERVICE.rglob("*.py")
        if path != HERE
        for line in sets_of(path.read_text(encoding="utf-8"))
    }
    assert found == set()


def test_each_table_has_every_word_of_its_kind() -> None:
    assert tuple(SWEEP_NEXT) == get_args(SweepState)
    assert tuple(TRIAL_NEXT) == get_args(TrialState)
    assert set(STATE_WISHED) == set(WISHES) == {*PERSON_WISHES, "yield"}
    assert len(set(DECISIONS)) == len(DECISIONS)


def test_a_sweep_either_has_a_head_or_was_left_by_one_and_a_trial_is_open_or_over() -> None:
    assert {*SWEEP_WITH_HEAD, *SWEEP_LEFT_BY_HEAD} == set(SWEEP_NEXT)
    assert not set(SWEEP_WITH_HEAD) & set(SWEEP_LEFT_BY_HEAD)
    assert {*TRIAL_OPEN, *TRIAL_OVER} == set(TRIAL_NEXT)
    assert not set(TRIAL_OPEN) & set(TRIAL_OVER)
    assert set(SWEEP_SETTLED) < set(SWEEP_OVER)
