"""What every ledger promises a head: the store itself, and a service over HTTP."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.ledger.ledger import Ledger, Needs, Orders
from service.ledger.over_http.client import HttpLedger, enroll
from service.ledger.over_http.spool import Spool
from service.ledger.records import (
    Batch,
    DecisionRecord,
    PastRecord,
    PastTrial,
    ReportRecord,
    SpaceRecord,
    SweepRecord,
    TrialRecord,
    WorthRecord,
)
from service.ledger.store.store import LostClaim, Store
from service.ledger.transitions import IllegalTransition
from tests.contract.ledger.conftest import SPEC
from tests.contract.ledger.service import Service

TRIAL = TrialRecord(1, {"x": 0.1 + 0.2, "deep": [1, None], "text": "ümlaut"}, "RUNNING", origin="random", skipped=[1])
PASTS = [PastRecord("old", 0, [PastTrial(3, {"x": 1}, "STOPPED", {0: 0.25, 1: None})])]


@dataclass
class Bench:
    """A ``ledger`` of the sweep ``a`` in attempt 1, and the ``store`` behind it."""

    store: Store
    ledger: Ledger


@pytest.fixture(params=["store", "remote"])
def bench(request: pytest.FixtureRequest, store: Store, tmp_path: Path) -> Iterator[Bench]:
    store.add(SweepRecord("a", SPEC, "/project", "ada", "QUEUED", 1.0), PASTS)
    store.claim("a", "host:1:0", lambda _: False)
    if request.param == "store":
        yield Bench(store, store)
        return
    service = Service(store)
    token = enroll(service.address, "a", 1, service.launch("a", 1))
    remote = HttpLedger(service.address, "a", 1, token, Spool(tmp_path / "spool"))
    yield Bench(store, remote)
    remote.close()
    service.down()


def report(epoch: int, score: float, trial: int = 1) -> ReportRecord:
    return ReportRecord(trial, 0, epoch, 1 / 3, epoch / 3, {"score": score, "loss": 1e-300}, 1.5, epoch == 2, 0.2)


def test_what_is_written_is_read_back_with_every_bit(bench: Bench) -> None:
    decision = DecisionRecord(1, 0, "continue", "rank 1 of 1", {"rank": 1, "cutoff": None, "value": math.inf}, 1.5)
    worth = WorthRecord(0, None, None, 0.9, 3, None, "too early", 1.0)
    space = SpaceRecord(1, {"x": {"uniform": [0.1, 0.3]}}, [{"parameter": "x"}], 2.0)
    batch = Batch([TRIAL], [report(1, 0.1 + 0.2), report(2, 5e-324)], [decision], [space], [worth])
    bench.ledger.append("a", 1, batch)
    for ledger in (bench.ledger, bench.store):
        assert ledger.trials("a") == batch.trials
        assert ledger.reports("a") == batch.reports
        assert ledger.decisions("a") == batch.decisions
        assert ledger.spaces("a") == batch.spaces
        assert ledger.worth("a") == batch.worth
        assert ledger.pasts("a") == PASTS
    assert bench.ledger.sweep("a") == bench.store.sweep("a")


def test_what_is_no_number_stays_what_it_is(bench: Bench) -> None:
    bench.ledger.append("a", 1, Batch([TRIAL], [report(n, v) for n, v in enumerate((math.nan, math.inf, -math.inf))]))
    nan, inf, minus = [r.metrics["score"] for r in bench.ledger.reports("a")]
    assert math.isnan(nan)
    assert (inf, minus) == (math.inf, -math.inf)


def test_a_batch_is_written_whole_or_not_at_all(bench: Bench) -> None:
    done = TrialRecord(2, {}, "FINISHED")
    bench.ledger.append("a", 1, Batch([done]))
    with pytest.raises(IllegalTransition, match="FINISHED"):
        bench.ledger.append("a", 1, Batch([TRIAL, TrialRecord(2, {}, "RUNNING")], [report(1, 0.5)]))
    assert bench.ledger.trials("a") == [done]
    assert bench.ledger.reports("a") == []


def test_the_same_batch_again_changes_nothing_and_reports_keep_their_order(bench: Bench) -> None:
    batches = [Batch([TRIAL], [report(1, 0.5)]), Batch([TRIAL], [report(2, 0.25), report(1, 0.75, trial=2)])]
    for batch in (batches[0], batches[0], batches[1], batches[0]):
        bench.ledger.append("a", 1, batch)
    assert bench.ledger.reports("a") == [*batches[0].reports, *batches[1].reports]


def test_a_beat_tells_what_the_head_needs_and_brings_its_orders(bench: Bench) -> None:
    assert bench.ledger.beat("a", 1) == Orders()
    assert bench.store.sweep("a").state == "STARTING"
    bench.ledger.beat("a", 1, "RUNNING", Needs(2, 5, {"CPU": 1.0, "GPU": 0.25}))
    known = bench.store.sweep("a")
    assert (known.state, known.running, known.wanted, known.asks) == ("RUNNING", 2, 5, {"CPU": 1.0, "GPU": 0.25})
    bench.store.share({"a": (3, "waiting")})
    bench.store.wish("a", "pause")
    assert bench.ledger.beat("a", 1) == Orders("pause", 3)


def test_the_end_is_the_state_and_the_reason(bench: Bench) -> None:
    bench.ledger.beat("a", 1, "RUNNING")
    bench.ledger.end("a", 1, "SUCCEEDED", "all done")
    assert (bench.store.sweep("a").state, bench.store.sweep("a").why) == ("SUCCEEDED", "all done")
    with pytest.raises(LostClaim):
        bench.ledger.append("a", 1, Batch([TRIAL]))


def test_a_head_that_was_taken_over_writes_nothing_more(bench: Bench) -> None:
    bench.store.claim("a", "host:2:0", lambda _: False)
    for write in (
        lambda: bench.ledger.append("a", 1, Batch([TRIAL])),
        lambda: bench.ledger.beat("a", 1),
        lambda: bench.ledger.end("a", 1, "SUCCEEDED", ""),
    ):
        with pytest.raises(LostClaim):
            write()
    assert bench.store.trials("a") == []
    assert bench.store.sweep("a").state == "STARTING"
