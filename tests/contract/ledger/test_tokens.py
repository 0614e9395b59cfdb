"""Tokens: made once, found by their secret alone, revoked for ever."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from service.ledger.store.store import Store
from service.ledger.store.tokens import ROLES, UnknownToken
from service.spec.errors import UserError


def test_a_token_is_found_by_its_secret_and_no_other(store: Store) -> None:
    made = {role: store.tokens.create("ann", role) for role in ROLES}
    for record, secret in made.values():
        assert store.tokens.of(secret) == record
    assert len({secret for _, secret in made.values()}) == len(ROLES)
    for wrong in ("", "sieve_", made["admin"][1][:-1], made["admin"][1].upper(), "\udcff", "' or 1=1 --"):
        assert store.tokens.of(wrong) is None


def test_a_revoked_token_is_found_no_more_also_by_another_process(store: Store, url: str) -> None:
    record, secret = store.tokens.create("ann", "admin")
    other = Store(url)
    assert other.tokens.of(secret) == record
    revoked = store.tokens.revoke(record.id)
    assert revoked.revoked is not None
    assert other.tokens.of(secret) is None
    assert store.tokens.revoke(record.id) == revoked
    assert store.tokens.ls() == [revoked]


def test_the_secret_is_nowhere_in_the_database(store: Store) -> None:
    _, secret = store.tokens.create("ann", "admin")
    with store.database.read() as connection:
        [row] = connection.execute(text("select * from tokens")).all()
    assert secret not in str(row)
    assert len(secret) >= 40


def test_a_secret_does_not_show_in_the_records(store: Store) -> None:
    record, secret = store.tokens.create("ann", "viewer")
    assert secret not in repr(record) + repr(store.tokens.ls())


@pytest.mark.parametrize(("user", "role"), [("ann", "root"), ("", "viewer"), ("a" * 65, "viewer"), ("a\nb", "viewer")])
def test_what_is_no_user_or_role_is_refused(store: Store, user: str, role: str) -> None:
    with pytest.raises(UserError):
        store.tokens.create(user, role)
    assert store.tokens.ls() == []


def test_revoking_what_is_not_there_is_an_error(store: Store) -> None:
    with pytest.raises(UnknownToken, match="there is no token 7"):
        store.tokens.revoke(7)
