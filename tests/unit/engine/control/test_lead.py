"""How a head leaves its sweep, with and without somebody who starts it again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from service.engine.control.sweep import INTERRUPTED, lead
from service.engine.head.head import Head
from service.engine.head.heartbeat import Heartbeat
from service.ledger.errors import Away
from service.ledger.ledger import Needs, Orders
from service.ledger.store.store import Store, Unreachable
from service.policy.limits import Ending
from service.spec.errors import UserError
from tests.ray.toys import toy


@pytest.mark.parametrize(
    ("ends", "attended", "state"),
    [
        (Ending("SUCCEEDED", "done"), True, "SUCCEEDED"),
        (Ending("PAUSED", "interrupted"), False, "PAUSED"),
        (Ending("PAUSED", "interrupted"), True, "STARTING"),
        (KeyboardInterrupt(), False, "PAUSED"),
        (KeyboardInterrupt(), True, "STARTING"),
        (UserError("no such task"), True, "FAILED"),
        (Away("the service did not answer for an hour"), True, "STARTING"),
        (Unreachable("the database does not answer"), True, "STARTING"),
        (ConnectionError("the cluster is gone"), False, "FAILED"),
        (ConnectionError("the cluster is gone"), True, "STARTING"),
    ],
    ids=str,
)
def test_an_attended_head_leaves_its_sweep_to_the_next_one_where_it_is_not_over(
    ends: Ending | BaseException, attended: bool, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> Ending:
        if isinstance(ends, BaseException):
            raise ends
        return ends

    exit_code = INTERRUPTED if ends == Ending("PAUSED", "interrupted") else 0
    fake = SimpleNamespace(stopper=SimpleNamespace(exit_code=exit_code, pause=lambda *_: None), run=run)
    monkeypatch.setattr(Head, "of", lambda *_: fake)
    store = Store(f"sqlite:///{tmp_path / 'sieve.db'}")
    store.create("a", {}, "/", "ada", None)
    record = store.claim("a", "me", lambda _: False)
    if isinstance(ends, BaseException):
        with pytest.raises(type(ends)):
            lead(store, record, tmp_path, attended=attended)
    else:
        assert lead(store, record, tmp_path, attended=attended).exit_code == exit_code
    assert store.sweep("a").state == state


def test_a_head_that_is_about_to_end_does_not_say_that_it_goes_on(tmp_path: Path) -> None:
    """Or a wish to go on, which came too late for it to hear, would be taken for heard."""
    said: list[str | None] = []
    store = Store(f"sqlite:///{tmp_path / 'sieve.db'}")
    store.create("toy", toy(), "/", "ada", None)
    head = Head.of(store, store.claim("toy", "me", lambda _: False), tmp_path)

    def renew(state: str | None, needs: Needs | None) -> Orders:
        said.append(state)
        return Orders()

    heartbeat = Heartbeat(head.spec, head.trial_log, head.stopper, renew)
    heartbeat.beat()
    head.stopper.ending = Ending("PAUSED", "paused as wished")
    heartbeat.beat()
    assert said == ["RUNNING", None]
