"""Rounds on a real Ray: each over the narrowed space of the one before, in one ledger and across heads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from service.engine.control.sweep import extend, run
from service.ledger import Results
from service.ledger.home import open_store
from service.ledger.records import TrialRecord
from service.spec import Space
from tests.ray.toys import go, toy

ROUNDS = {"count": 2, "keep": 0.5, "trials": 2}
SEARCH = {"algorithm": "random", "trials": 10, "seed": 1}


def rounds(**changes: Any) -> dict[str, Any]:
    """Ten trials of one epoch, then two over what the best five have."""
    one = {"stages": [{"data": 1.0, "epochs": 1}], "search": SEARCH, "rounds": ROUNDS}
    return toy(**(one | {"schedule": {"algorithm": "fifo"}} | changes))


def by_round(home: Path) -> dict[int, list[TrialRecord]]:
    trials = open_store(home).trials("toy")
    return {number: [t for t in trials if t.round == number] for number in {t.round for t in trials}}


def counts(home: Path) -> dict[int, int]:
    return {number: len(trials) for number, trials in by_round(home).items()}


def test_the_second_round_searches_where_the_first_was_good(tmp_path: Path) -> None:
    finer = [{"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 2}]
    target = {"name": "score", "goal": "maximize", "target": 0.4}
    outcome = go(rounds(rounds=ROUNDS | {"stages": [finer]}, metric=target), tmp_path)
    found = by_round(tmp_path)
    assert outcome.why.startswith("target 0.4 reached"), "which is a matter of the last plan alone"
    assert [t.number for t in found[0]] == list(range(1, 11))
    assert min(t.number for t in found[1]) == 11
    [space] = open_store(tmp_path).spaces("toy")
    low, _ = space.parameters["x"]["uniform"]
    assert low > 0.2
    assert all(t.config["x"] >= low for t in found[1])
    assert "; was 0 .. 1" in space.reasons[0]["reason"]
    assert Results(open_store(tmp_path)).best("toy", 9)["round"].tolist() == [1]


def test_an_ended_sweep_gets_more_trials_more_rounds_and_its_former_space(tmp_path: Path) -> None:
    spec = rounds(schedule={"algorithm": "promote", "reduction_factor": 2}, stages=toy()["stages"])
    go(spec, tmp_path)
    assert counts(tmp_path) == {0: 10, 1: 2}
    extend("toy", 2, tmp_path)
    run("toy", tmp_path)
    assert counts(tmp_path) == {0: 10, 1: 4}
    store = open_store(tmp_path)
    assert max(d.numbers["of"] for d in store.decisions("toy") if d.trial > 10 and d.stage == 0) == 4, (
        "a rung compares the trials of one round alone"
    )
    store.undo_space("toy")
    assert go(spec | {"rounds": ROUNDS | {"count": 3}}, tmp_path).state == "SUCCEEDED"
    assert counts(tmp_path) == {0: 10, 1: 4, 2: 4}
    first, second = store.spaces("toy")
    assert (first.round, first.undone, second.round, second.reasons) == (1, True, 2, [])
    assert Space.parse(second.parameters) == Space.parse({"x": {"uniform": [0, 1]}})


def test_a_round_of_failures_is_the_last(tmp_path: Path) -> None:
    outcome = go(rounds(task="toy:always_breaks", retries=0, search=SEARCH | {"trials": 2}), tmp_path)
    assert (outcome.state, list(by_round(tmp_path))) == ("FAILED", [0])
