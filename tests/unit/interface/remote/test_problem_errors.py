"""Problem documents become what was raised at the service."""

from __future__ import annotations

import pytest

from service.interface.remote.problem_errors import Denied, exception
from service.ledger.errors import AlreadyRunning, NameInUse, UnknownSweep
from service.spec.errors import SieveError, SpecError, UserError


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("urn:sieve:problem:unknown-sweep", 404, UnknownSweep),
        ("https://sieve.dev/problems/NameInUse", 409, NameInUse),
        ("urn:sieve:problem:already-running", 409, AlreadyRunning),
        ("about:blank", 422, UserError),
        ("urn:sieve:problem:something-new", 400, UserError),
        ("urn:sieve:problem:unauthorized", 401, Denied),
        ("about:blank", 500, SieveError),
    ],
)
def test_a_kind_is_its_exception(kind: str, status: int, expected: type[SieveError]) -> None:
    made = exception({"type": kind, "detail": "it is so", "cure": "do that"}, status)
    assert type(made) is expected
    assert str(made) == "it is so; do that"
    assert (made.message, made.cure) == ("it is so", "do that")


def test_a_cure_is_said_once_where_the_detail_has_it_already() -> None:
    assert str(exception({"detail": "it is so; do that", "cure": "do that"}, 422)) == "it is so; do that"


def test_violations_of_a_spec_come_all() -> None:
    violations = [{"where": "stages/0", "line": 3, "message": "is wrong"}, {"where": "name", "message": "is missing"}]
    made = exception({"type": "urn:sieve:problem:spec-error", "detail": "x", "violations": violations}, 422)
    assert isinstance(made, SpecError)
    assert [(one.where, one.line) for one in made.violations] == [("stages/0", 3), ("name", None)]
    assert str(made) == "3: stages/0: is wrong\nname: is missing"
