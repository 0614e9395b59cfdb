"""Errors of trials cross processes, by pickle, with all that they hold."""

from __future__ import annotations

import pickle

import pytest

from cluster.errors import ClusterError
from trainables.errors import CheckpointError, Diverged, MetricError, StageError, TaskError, one_line

ERRORS = [kind("it broke", "mend it") for kind in (TaskError, MetricError, Diverged, CheckpointError, ClusterError)]
ERRORS += [StageError("it broke", "mend it", 1), StageError("it broke", "mend it", 1, plan=2)]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_an_error_comes_back_as_it_was(error: TaskError) -> None:
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is type(error)
    assert vars(back) == vars(error)
    assert (back.message, back.cure, str(back)) == ("it broke", "mend it", str(error))


@pytest.mark.parametrize("kind", [TaskError, MetricError, Diverged, CheckpointError, ClusterError])
def test_it_says_the_message_then_the_cure(kind: type[TaskError]) -> None:
    assert str(kind("it broke", "mend it")) == "it broke; mend it"
    assert str(kind("it broke")) == "it broke"


def test_a_stage_is_named_by_its_place_in_the_spec() -> None:
    assert str(StageError("too little", "take more", 0)) == "stages/0: too little; take more"
    assert str(StageError("too little", "take more", 0, plan=1)) == "rounds/stages/1/0: too little; take more"


def test_an_error_of_a_checkpoint_is_that_of_a_file_without_a_number() -> None:
    error = CheckpointError("it broke", "mend it")
    assert isinstance(error, OSError)
    assert error.errno is None


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("one", "one"),
        ("", ""),
        ("\n\nonly the third says it", "only the third says it"),
        ("1 error for Config\nlr\n  Input should be a number", "1 error for Config lr Input should be a number"),
        (
            "Caught KeyError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n  File\n"
            "KeyError: 'label'\n",
            "KeyError: 'label'",
        ),
    ],
)
def test_a_message_of_several_lines_keeps_what_matters_in_one(message: str, line: str) -> None:
    assert one_line(message) == line


def test_an_endless_message_is_cut() -> None:
    assert one_line("e" * 10_000) == "e" * 399 + "…"
