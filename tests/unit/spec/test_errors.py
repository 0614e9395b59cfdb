"""Errors say what, where and how to cure it."""

from __future__ import annotations

import pickle

import pytest

from service.spec.errors import SieveError, SpecError, UserError, Violation, nearest


def test_the_cure_ends_the_message() -> None:
    assert str(SieveError("the disk is full", "free some space")) == "the disk is full; free some space"
    assert str(SieveError("the disk is full")) == "the disk is full"


def test_exit_codes() -> None:
    assert [kind.exit_code for kind in (SieveError, UserError, SpecError)] == [1, 2, 2]


def test_one_line_for_each_violation() -> None:
    error = SpecError([Violation("parameters/lr", 7, "is 3"), Violation("name", None, "is missing")], "sweep.yaml")
    assert str(error) == "sweep.yaml:7: parameters/lr: is 3\nsweep.yaml: name: is missing"
    assert str(SpecError([Violation("name", None, "is missing")])) == "name: is missing"


def test_errors_travel_between_processes() -> None:
    error = SpecError([Violation("name", 1, "is missing")], "sweep.yaml")
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.violations, str(copy)) == (error.violations, str(error))
    user = pickle.loads(pickle.dumps(UserError("no", "yes")))
    assert (user.message, user.cure) == ("no", "yes")


@pytest.mark.parametrize(
    ("word", "hint"), [("serach", " (did you mean 'search'?)"), ("VAL_ACC", " (did you mean 'val_acc'?)"), ("zzz", "")]
)
def test_nearest(word: str, hint: str) -> None:
    assert nearest(word, ["search", "val_acc"]) == hint
