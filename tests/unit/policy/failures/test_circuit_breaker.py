"""What failures say of a sweep and of its nodes."""

from __future__ import annotations

import pytest

from service.policy.failures.circuit_breaker import (
    FailureHistory,
    ObservedFailure,
    bad_node,
    fault_of,
    same_error,
    suspicious,
)

FAULT = fault_of("error", "RuntimeError: no such file")


def seen(*failures: tuple[int, str | None], fault: str = FAULT, start: FailureHistory | None = None) -> FailureHistory:
    """Failures as (trial, node), all before their first epoch."""
    history = start or FailureHistory()
    for trial, node in failures:
        history = history.failed(ObservedFailure(trial, fault, (0, 0), node))
    return history


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 3", "KeyError: 17"),
        ("loss -1.5e-3 of 2", "loss 7 of 11.2512345678901234"),
        ("no file /data/a/00001/latest.pt", "no file /data/a/00012/latest.pt"),
        ("<Foo object at 0x7f3a2b10>", "<Foo object at 0x7fffe4>"),
        ("cannot reach 10.0.0.1:6379", "cannot reach 10.0.12.14:80"),
        ("actor 1f0e9a8b7c6d5e4f died", "actor aaaaaaaaaaaaaaaa died"),
    ],
)
def test_numbers_paths_and_addresses_make_no_other_fault(one: str, other: str) -> None:
    assert fault_of("error", one) == fault_of("error", other)


def test_other_words_or_another_kind_are_another_fault() -> None:
    assert fault_of("error", "KeyError: lr") != fault_of("error", "KeyError: hidden")
    assert fault_of("error", "died") != fault_of("worker", "died")


def test_the_same_error_of_so_many_different_trials_is_everyones() -> None:
    four = seen(*((trial, "a") for trial in (1, 2, 3, 4, 4, 4)))
    assert same_error(four, FAULT, 5, ()) is None, "a retry is no other trial"
    five = seen((5, "b"), start=four)
    assert same_error(five, FAULT, 5, ()) == 5
    assert same_error(five, FAULT, None, ()) is None
    assert same_error(five, fault_of("error", "another"), 5, ()) is None


def test_a_trial_that_gets_past_the_point_shows_that_the_error_is_not_everyones() -> None:
    late = FailureHistory()
    for trial in range(1, 5):
        late = late.failed(ObservedFailure(trial, FAULT, (1, 2), "a"))
    assert same_error(late.passed((1, 2), "a"), FAULT, 4, ()) == 4, "the others had come there, too"
    assert same_error(late.passed((0, 9), "a"), FAULT, 4, ()) == 4, "an earlier stage says nothing"
    assert same_error(late.passed((1, 3), "b"), FAULT, 4, ()) is None


def test_failures_on_nodes_that_are_avoided_are_the_nodes_fault() -> None:
    history = seen((1, "a"), (2, "a"), (3, "a"), (4, "b"), (5, "b"))
    assert same_error(history, FAULT, 5, ()) == 5
    assert same_error(history, FAULT, 5, ("a",)) is None


def test_a_node_where_trial_after_trial_breaks_is_bad() -> None:
    history = seen((1, "a"), (2, "a"), (2, "a"))
    assert bad_node(history, "a", 3) is None
    history = seen((3, "a"), fault=fault_of("worker", "died"), start=history)
    assert bad_node(history, "a", 3) == 3, "whatever the errors are"
    assert bad_node(history, "b", 3) is None
    assert bad_node(history, None, 3) is None
    assert bad_node(history, "a", None) is None


def test_a_node_is_not_bad_where_a_trial_got_on_or_another_has_the_error() -> None:
    history = seen((1, "a"), (2, "a"), (3, "a"))
    assert bad_node(history.passed((0, 1), "b"), "a", 3) == 3, "others do well"
    assert bad_node(history.passed((0, 1), "a"), "a", 3) is None
    assert bad_node(seen((4, "b"), start=history), "a", 3) is None
    assert bad_node(seen((4, "b"), start=history).passed((0, 1), "b"), "a", 3) is None, "it was seen elsewhere"


def test_a_node_is_suspected_from_its_first_failure_until_a_trial_gets_on_there() -> None:
    history = seen((1, "a"))
    assert suspicious(history, ())
    assert not suspicious(history, ("a",))
    assert not suspicious(history.passed((0, 1), "a"), ())
    assert not suspicious(seen((2, "b"), start=history), ()), "the error is not the node's"
    assert not suspicious(seen((1, None)), ())


def test_an_error_seen_where_nobody_knows_blames_no_node() -> None:
    assert bad_node(seen((1, "a"), (2, "a"), (3, "a")), "a", 3) == 3
    assert bad_node(seen((1, "a"), (2, "a"), (3, "a"), (4, None)), "a", 3) is None
