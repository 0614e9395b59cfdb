"""Sources of curves: a past sweep, a Parquet file, a function; and what is wrong with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from service.engine.curves.source import open_curves
from service.engine.simulation.options import UNLIMITED, SimulationOptions
from service.engine.simulation.outcome import Simulation
from service.engine.simulation.simulate import simulate
from service.engine.simulation.snapping import Snapping
from service.engine.simulation.submit_simulated import SimulatedSubmission, submit
from service.interface.source.local import LocalSource
from service.ledger import Results, Store, open_store
from service.spec import Spec, load
from service.spec.errors import UserError
from tests.unit.engine.conftest import CURVES, curve, spec_of

CONDITIONAL = {
    "x": {"uniform": [1.0, 4.0]},
    "opt/kind": {"choice": ["sgd", "adam"]},
    "opt/momentum": {"uniform": [0, 0.9], "when": {"opt/kind": ["sgd"]}},
    "layers": {"choice": [[8], [8, 8], "none"]},
    "batch": {"lograndint": [8, 257]},
    "fixed": 3,
}

Write = Callable[..., Path]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def recorded(home: Path, spec: Spec, options: SimulationOptions | None = None) -> Simulation:
    """The sweep of ``spec`` as a past one in ``home``."""
    return submit(SimulatedSubmission(spec, curve), options or SimulationOptions(), home)


def again(spec: Spec, source: str, store: Store, options: SimulationOptions | None = None) -> Simulation:
    return simulate(spec, open_curves(spec, source, store), options)


def exported(home: Path, path: Path) -> Path:
    """The history of the past sweep as ``sieve export`` writes it."""
    from service.interface.verbs.export import _parquet

    _parquet(LocalSource(home), "toy", "history", path)
    return path


@pytest.mark.parametrize("form", ["sweep", "parquet"])
def test_a_complete_record_replays_exactly(home: Path, tmp_path: Path, form: str) -> None:
    """The same proposals find themselves, conditional parameters and lists included."""
    spec = spec_of(parameters=CONDITIONAL, search={"trials": 30, "algorithm": "random"})
    first = recorded(home, spec, SimulationOptions(workers=3))
    source = "toy" if form == "sweep" else str(exported(home, tmp_path / "toy.parquet"))
    replay = again(spec, source, open_store(home), SimulationOptions(workers=3))
    assert (replay.trials, replay.reports, replay.decisions) == (first.trials, first.reports, first.decisions)
    assert (replay.exhausted, list(replay.notes)) == (0, [])


def test_each_recorded_config_is_used_once_and_short_curves_end(home: Path) -> None:
    first = recorded(home, spec_of("promote", search={"trials": 40, "algorithm": "random"}))
    climbed = sum(trial.state == "FINISHED" for trial in first.trials)
    other = spec_of(search={"trials": 100, "algorithm": "random", "seed": 99})
    replay = again(other, "toy", open_store(home))
    assert len(replay.trials) == 40
    assert {t.config["x"] for t in replay.trials} == {t.config["x"] for t in first.trials}
    assert [t.state for t in replay.trials].count("FINISHED") == climbed < 40
    assert replay.exhausted == 40 - climbed
    assert replay.spec.search.trials == 40, "nobody planned more than there are"


def test_a_narrowed_round_takes_what_is_left_inside(home: Path) -> None:
    recorded(home, spec_of(search={"trials": 60, "algorithm": "random"}))
    spec = spec_of(search={"trials": 30, "algorithm": "random", "seed": 9}, rounds={"count": 2})
    replay = again(spec, "toy", open_store(home))
    low, high = replay.spaces[0].parameters["x"]["uniform"]
    later = [t.config["x"] for t in replay.trials if t.round == 1]
    assert 0 < len(later) < 30
    assert all(low <= x <= high for x in later)
    assert len({t.config["x"] for t in replay.trials}) == len(replay.trials)


def test_configs_snap_to_the_nearest_in_the_unit_cube() -> None:
    space = load({**spec_of().to_dict(), "parameters": CONDITIONAL}).space
    rest = {"layers": [8], "batch": 64, "fixed": 3}
    configs = [
        {"x": 1.0, "opt/kind": "adam", **rest},
        {"x": 4.0, "opt/kind": "sgd", "opt/momentum": 0.9, **rest},
        {"x": 3.9, "opt/kind": "sgd", "opt/momentum": 0.8, **rest},
        {"x": 2.0, "opt/kind": "adam", **rest},
    ]
    snapping = Snapping(configs)
    assert snapping.enter(space) == 4
    near_last = {"x": 3.7, "opt/kind": "adam", **rest}
    taken = [configs.index(dict(snapping.take(near_last))) for _ in configs]
    assert taken == [3, 0, 2, 1], "another category is farther than any number"


def test_a_parameter_that_is_active_in_one_config_alone_counts_in_full() -> None:
    space = load({**spec_of().to_dict(), "parameters": CONDITIONAL}).space
    rest = {"batch": 64, "fixed": 3}
    sgd = {"x": 1.0, "opt/kind": "sgd", "opt/momentum": 0.45, "layers": [8], **rest}
    far = {"x": 3.7, "opt/kind": "adam", "layers": "none", **rest}
    proposed = {"x": 1.0, "opt/kind": "adam", "layers": [8], **rest}
    snapping = Snapping([sgd, far])
    snapping.enter(space)
    assert snapping.take(proposed) == far, "1 + 0.9² is less than 1 + 1"


def test_configs_outside_the_space_and_repeated_ones_are_noted(home: Path) -> None:
    search = {"trials": 3, "algorithm": "random"}
    rounds = {"count": 3, "keep": 0.25}  # each of which trains a config once
    recorded(home, spec_of(parameters={"x": {"choice": [1.0, 2.0, 3.0]}}, search=search, rounds=rounds))
    narrower = spec_of(parameters={"x": {"uniform": [1.5, 3.5]}})
    curves = open_curves(narrower, "toy", open_store(home))
    assert curves.configs == [{"x": 2.0}, {"x": 3.0}] or curves.configs == [{"x": 3.0}, {"x": 2.0}]
    outside, repeated = curves.notes
    assert "lie outside the space" in outside
    assert "repeat a config" in repeated


def test_stages_of_another_plan_find_their_epochs(home: Path) -> None:
    recorded(home, spec_of())
    shorter = spec_of(stages=[{"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 1}])
    assert len(again(shorter, "toy", open_store(home)).reports) == 24
    longer = spec_of(stages=[{"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 5}])
    with pytest.raises(UserError, match=r"no config is recorded up to the end of stage 1 \(data 1, epoch 6\)"):
        open_curves(longer, "toy", open_store(home))


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the rows of two configs, changed as a test wants, and returns the path."""

    def write(change: Callable[[pd.DataFrame], pd.DataFrame] | None = None) -> Path:
        fidelities = [(0.5, 1), (1.0, 2), (1.0, 3)]
        rows = [
            {"x": x, "data": data, "epoch": epoch, "score": x * epoch, "seconds": 1.0}
            for x in (2.0, 3.0)
            for data, epoch in fidelities
        ]
        frame = pd.DataFrame(rows)
        path = tmp_path / "curves.parquet"
        (frame if change is None else change(frame)).to_parquet(path, index=False)
        return path

    return write


def test_a_table_may_leave_epochs_out_and_needs_no_prefix(write: Write, home: Path) -> None:
    path = write(lambda frame: frame[frame.epoch != 2])
    simulation = again(spec_of(), str(path), open_store(home), SimulationOptions(workers=1))
    assert len(simulation.trials) == 2
    assert [(r.epoch, r.time, r.seconds) for r in simulation.reports[:2]] == [(1, 1.0, 1.0), (3, 2.0, 1.0)]


def test_a_missing_value_of_the_metric_is_a_report_that_is_no_number(write: Write, home: Path) -> None:
    path = write(lambda frame: frame.assign(score=frame.score.where(frame.x != 2.0)))
    simulation = again(spec_of(), str(path), open_store(home), SimulationOptions(workers=1))
    [stopped] = [t for t in simulation.trials if t.state == "STOPPED"]
    assert stopped.config == {"x": 2.0}
    assert "not a number" in stopped.why
    assert simulation.notes == ("3 rows have no score: taken as not a number, which ends a trial",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="score"), "no column score.*, only x, data, epoch, seconds; add it"),
        (lambda f: f.rename(columns={"score": "scores"}), "no column score .did you mean 'scores'"),
        (lambda f: f.drop(columns="seconds"), "no column seconds"),
        (lambda f: f.drop(columns="x"), "no column config/x"),
        (lambda f: f.assign(seconds=[1.0, math.nan, 1.0] * 2), "row 2 has seconds None; it is a number >= 0"),
        (lambda f: f.assign(seconds=-1.0), "row 1 has seconds -1.0"),
        (lambda f: f.assign(score=math.nan), "the column score holds no number"),
        (lambda f: f[f.epoch < 3], "up to the end of stage 1 .data 1, epoch 3."),
        (lambda f: f.assign(x=9.0, trial=range(6)), "none of its 6 configs lies in the space, the first by x, which"),
        (lambda f: pd.concat([f, f]), "row 7 repeats data 0.5, epoch 1"),
        (lambda f: f.assign(**{"config/y": 1.0}), "its configs have y, which the spec has not"),
        (lambda f: f.assign(x=[2.0, 2.0, 2.0, None, None, None]), "has no x; record every parameter"),
        (lambda f: f[:0], "has no rows"),
    ],
)
def test_a_table_that_lacks_something_is_refused_by_name(write: Write, home: Path, change: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        open_curves(spec_of(), str(write(change)), open_store(home))


MODULE = """
import math
def good(config, data, epoch): return config["x"] * epoch, data
def breaks(config, data, epoch): return 1 / 0
def alone(config, data, epoch): return 0.5
def timeless(config, data, epoch): return 0.5, math.nan
def backwards(config, data, epoch): return 0.5, -1
constant = 3
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with modules in it."""
    (tmp_path / "my_curves.py").write_text(MODULE)
    (tmp_path / "broken_curves.py").write_text("import nowhere_at_all")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.parametrize("source", ["my_curves.py:good", "my_curves:good"])
def test_a_function_is_found_by_file_or_module(folder: Path, home: Path, source: str) -> None:
    assert simulate(spec_of(), open_curves(spec_of(), source, open_store(home))).reports[-1].metrics["score"] > 3


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "my_curves.py:breaks",
            r"raised ZeroDivisionError: division by zero for config {'x': 1.7.*, data 0.5, epoch 1",
        ),
        ("my_curves.py:alone", "returned 0.5, no pair of numbers"),
        ("my_curves.py:timeless", "says that the epoch took nan seconds"),
        ("my_curves.py:backwards", "took -1.0 seconds"),
        ("my_curves.py:god", "has no 'god' .did you mean 'good'.*write def god"),
        ("my_curves.py:constant", "but no function"),
        ("my_curve.py:good", "no file 'my_curve.py' .did you mean 'my_curves.py'"),
        ("my_curve:good", "no module 'my_curve' .did you mean 'my_curves'"),
        ("broken_curves.py:good", "cannot be imported: ModuleNotFoundError"),
        ("broken_curves:good", "cannot be imported: ModuleNotFoundError"),
        (":good", "names no module"),
        ("curve.parquet", "there is no file 'curve.parquet'"),
        ("my_curves.py", "my_curves.py names no function in it; write my_curves.py:FUNCTION"),
        (3, "the source of curves is 3; a source of curves is the name of a sweep"),
        ("toi", "no sweep 'toi' .did you mean 'toy'.*; a source of curves is the name of a sweep, a .parquet file"),
    ],
)
def test_a_wrong_source_is_refused_with_the_cure(folder: Path, home: Path, source: Any, message: str) -> None:
    recorded(home, spec_of(search={"trials": 1, "algorithm": "random"}))
    with pytest.raises(UserError, match=message):
        simulate(spec_of(), open_curves(spec_of(), source, open_store(home)))


def test_a_sweep_without_the_metric_is_refused(home: Path) -> None:
    recorded(home, spec_of())
    with pytest.raises(UserError, match=r"reports no scores .did you mean 'score'.*, only score; set metric.name"):
        open_curves(spec_of(metric={"name": "scores", "goal": "maximize"}), "toy", open_store(home))


def test_trials_are_unlimited_only_where_nobody_named_a_number(home: Path) -> None:
    raw = {**spec_of().to_dict(), "search": {"algorithm": "random"}}
    free = submit(SimulatedSubmission(raw, curve), SimulationOptions(budget_seconds=60.0), home)
    assert 50 < len(free.trials) < UNLIMITED
    assert free.spec.search.trials == len(free.trials)
    assert "the spec names no trials" in free.notes[0]
    named = submit(
        SimulatedSubmission({**raw, "search": {"algorithm": "random", "trials": 12}}, curve),
        SimulationOptions(budget_seconds=60.0),
        home,
    )
    assert len(named.trials) == 12


def test_the_ledger_holds_what_the_simulation_says(home: Path) -> None:
    """Byte for byte the same for the same seed, but for the moments of its making."""
    simulation = recorded(home, spec_of("promote"), SimulationOptions(workers=2, crash_rate=0.1, stragglers=0.5))
    store = open_store(home)
    assert store.trials("toy") == simulation.trials
    assert store.reports("toy") == simulation.reports
    assert store.decisions("toy") == simulation.decisions
    known = store.sweep("toy")
    assert (known.simulated, known.state, known.seconds) == (True, "SUCCEEDED", simulation.seconds)
    rows = [Results(store).sql(f"select * from {table}") for table in ("trials", "reports", "decisions")]
    recorded(home.with_name("other"), spec_of("promote"), SimulationOptions(workers=2, crash_rate=0.1, stragglers=0.5))
    others = Results(open_store(home.with_name("other")))
    for table, frame in zip(("trials", "reports", "decisions"), rows, strict=True):
        pd.testing.assert_frame_equal(frame, others.sql(f"select * from {table}"))


def test_names_never_cost_a_real_sweep_or_the_source(home: Path) -> None:
    spec = spec_of()
    store = open_store(home, create=True)
    store.create("toy", spec.to_dict(), "/project", "ada", None)
    assert recorded(home, spec).spec.name == "toy-simulated"
    assert recorded(home, spec).spec.name == "toy-simulated", "a former simulation is replaced"
    assert [sweep.name for sweep in store.sweeps()] == ["toy", "toy-simulated"]
    with pytest.raises(UserError, match="toy is the name of a real sweep"):
        submit(SimulatedSubmission(spec, curve, "toy"), SimulationOptions(), home)
    own = load(spec.to_dict() | {"name": "toy-simulated"})
    with pytest.raises(UserError, match="the name of the sweep that the curves come from"):
        submit(SimulatedSubmission(own, "toy-simulated", "toy-simulated"), SimulationOptions(), home)
    assert (
        submit(SimulatedSubmission("toy", "toy-simulated", "what-if"), SimulationOptions(), home).spec.name == "what-if"
    )


def test_a_curve_that_is_asked_directly() -> None:
    assert CURVES.epoch({"x": 2.0}, spec_of().plan[0], 1) == ({"score": 1.0}, 1.0)
