"""The verbs on a real ledger; those that start Ray are run end to end elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from service.engine.control import head_liveness
from service.interface.cli import main
from service.ledger import Store
from service.ledger.records import Batch, TrialRecord
from service.spec import load
from tests.unit.interface.conftest import SPEC, Terminal


def rows(text: str) -> list[dict[str, Any]]:
    parsed: list[dict[str, Any]] = json.loads(text)
    return parsed


def test_an_unknown_verb_gets_the_nearest(sieve: Terminal) -> None:
    assert "there is no verb 'trails' (did you mean 'trials'?)" in sieve("trails", code=2).stderr


def test_help_fits_a_line_per_verb(sieve: Terminal) -> None:
    _, verbs = sieve("--help").stdout.split("Commands:")
    assert "..." not in verbs
    assert [line.split()[0] for line in verbs.strip().splitlines()] == list(main.commands)


def test_an_empty_home_has_no_sweeps_and_stays_empty(sieve: Terminal, home: Path) -> None:
    assert "sieve run FILE" in sieve("ls").stdout
    assert rows(sieve("ls", "-o", "json").stdout) == []
    assert not home.exists()


@pytest.mark.parametrize("verb", ["status", "trials", "history", "best", "space", "export", "report", "stop", "rm"])
def test_an_unknown_sweep_is_a_mistake_with_the_nearest_name(sieve: Terminal, store: Store, verb: str) -> None:
    result = sieve(verb, "toi", code=2)
    assert result.stderr.startswith("error: there is no sweep 'toi' (did you mean 'toy'?)")


def test_listings_have_every_column_for_programs_and_the_telling_ones_for_people(sieve: Terminal, store: Store) -> None:
    listed = rows(sieve("trials", "toy", "-o", "json").stdout)
    assert [row["trial"] for row in listed] == [1, 2, 3, 4]
    assert listed[1]["config/lr"] == 1e-20
    assert listed[3]["val_accuracy"] is None
    assert "checkpoint" in listed[0]
    head, *lines = sieve("trials", "toy").stdout.splitlines()
    assert {"trial", "why", "lr"} <= set(head.split())
    assert "checkpoint" not in head
    assert len(lines) == 4


def test_history_has_a_row_per_report(sieve: Terminal, store: Store) -> None:
    assert len(rows(sieve("history", "toy", "-o", "json").stdout)) == len(store.reports("toy"))
    assert sieve("history", "toy", "-o", "csv").stdout.count("\n") == len(store.reports("toy")) + 1


def test_best_lists_finished_trials_only(sieve: Terminal, store: Store) -> None:
    assert [row["trial"] for row in rows(sieve("best", "toy", "-o", "json").stdout)] == [1]


def test_moments_are_written_as_times(sieve: Terminal, store: Store) -> None:
    [row] = rows(sieve("ls", "-o", "json").stdout)
    assert abs(pd.Timestamp(row["created"]).timestamp() - time.time()) < 60


def test_status_for_people_and_programs(sieve: Terminal, store: Store) -> None:
    assert "3 of 6 trials done" in sieve("status", "toy").stdout
    now = json.loads(sieve("status", "toy", "-o", "json").stdout)
    assert now["counts"] == {"FINISHED": 1, "STOPPED": 1, "RUNNING": 1, "FAILED": 1}
    assert now["funnel"][0]["finished"] == 2


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
def test_export_has_a_row_per_trial(sieve: Terminal, store: Store, tmp_path: Path, form: str) -> None:
    path = tmp_path / f"out.{form}"
    assert f"{path}: 4 rows" in sieve("export", "toy", "--format", form, "-o", str(path)).stdout
    read: pd.DataFrame = getattr(pd, f"read_{form}")(path)
    assert list(read["trial"]) == [1, 2, 3, 4]
    assert read["config/lr"][0] == 0.1
    assert list(read["val_accuracy"].isna()) == [False, False, False, True]


def test_export_names_its_file_after_sweep_and_content(
    sieve: Terminal, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    sieve("export", "toy")
    sieve("export", "toy", "--what", "history")
    assert {path.name for path in tmp_path.glob("toy*")} == {"toy.csv", "toy-history.csv"}


def test_parquet_takes_choices_of_several_types(sieve: Terminal, store: Store, tmp_path: Path) -> None:
    trials = [TrialRecord(5, {"lr": 0.1, "layers": "none"}, "PENDING"), TrialRecord(6, {"lr": 0.1}, "PENDING")]
    store.append("toy", 1, Batch(trials=trials))
    sieve("export", "toy", "--format", "parquet", "-o", str(tmp_path / "toy.parquet"))
    layers = pd.read_parquet(tmp_path / "toy.parquet")["config/layers"]
    assert [json.loads(value) for value in layers[:5]] == [[8], [8, 8], [8], [8], "none"]
    assert layers.isna()[5]


def test_a_file_that_cannot_be_written_is_a_mistake(sieve: Terminal, store: Store, tmp_path: Path) -> None:
    text = sieve("export", "toy", "-o", str(tmp_path / "no" / "folder.csv"), code=2).stderr
    assert text.startswith("error: cannot write")
    assert text.endswith("with -o\n")


def test_report_says_where_the_page_lies(sieve: Terminal, store: Store) -> None:
    assert "<!doctype html>" in Path(sieve("report", "toy").stdout.strip()).read_text()


def test_stop_reaches_a_live_head_only(sieve: Terminal, store: Store) -> None:
    assert "its head is dead" in sieve("stop", "toy", code=2).stderr
    store.claim("toy", head_liveness.identity(), head_liveness.alive)
    sieve("stop", "toy")
    assert store.sweep("toy").wish == "stop"
    store.end("toy", 2, "STOPPED", "a person said so")
    assert "toy is STOPPED" in sieve("stop", "toy", code=2).stderr


def test_rm_asks(sieve: Terminal, store: Store) -> None:
    assert "4 trials" in sieve("rm", "toy", code=1, typed="n\n").stdout
    assert len(store.sweeps()) == 1
    sieve("rm", "toy", code=0, typed="y\n")
    assert store.sweeps() == []


def test_rm_refuses_a_running_sweep(sieve: Terminal, store: Store) -> None:
    store.claim("toy", head_liveness.identity(), head_liveness.alive)
    assert "is running" in sieve("rm", "toy", "--yes", code=2).stderr


def test_a_finished_sweep_runs_by_its_name_and_is_left_alone(sieve: Terminal, store: Store) -> None:
    store.end("toy", 1, "SUCCEEDED", "4 trials")
    out = sieve("run", "toy").stdout
    assert "toy SUCCEEDED: 4 trials" in out
    assert "25.6 %" in out
    page = next(line for line in out.splitlines() if line.startswith("report: ")).removeprefix("report: ")
    assert Path(page).exists()


def test_a_simulated_sweep_is_listed_as_such_and_never_trains(
    sieve: Terminal, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2] / "projects")
    spec = load(SPEC | {"name": "drill"})
    store.create("drill", spec.to_dict(), "/project", "ann", None, simulated=True)
    assert "QUEUED (simulated)" in sieve("ls").stdout
    assert [row["simulated"] for row in rows(sieve("ls", "-o", "json").stdout)] == [False, True]
    (tmp_path / "drill.yaml").write_text(spec.to_yaml())
    for words in (["run", "drill"], ["run", str(tmp_path / "drill.yaml")], ["extend", "drill", "--trials", "1"]):
        text = sieve(*words, code=2).stderr
        assert "drill is a simulated sweep" in text
        assert text.endswith("choose another name, or remove it: sieve rm drill\n")


def test_a_failed_page_is_a_warning(sieve: Terminal, store: Store, home: Path) -> None:
    store.end("toy", 1, "SUCCEEDED", "4 trials")
    (home / "reports").touch()
    assert "warning: no report page" in sieve("run", "toy").stderr


def test_a_missing_file_is_a_mistake(sieve: Terminal) -> None:
    assert "no file 'sweep.yaml'" in sieve("run", "sweep.yaml", code=2).stderr


def test_a_dry_run_forecasts_warns_and_leaves_nothing(
    sieve: Terminal, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[2] / "projects")
    file = tmp_path / "sweep.yaml"
    file.write_text(load(SPEC | {"parameters": {"lr": {"uniform": [0.001, 1.0]}}}).to_yaml())
    result = sieve("run", str(file), "--dry-run")
    assert "expected budget" in result.stdout
    assert "warning: parameters/lr" in result.stderr
    assert not home.exists()


def test_the_schema_is_printed_as_json(sieve: Terminal) -> None:
    assert json.loads(sieve("schema").stdout)["properties"].keys() >= {"name", "stages", "parameters"}


def test_an_interrupt_exits_with_130(sieve: Terminal, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Store, "sweeps", interrupted)
    sieve("ls", code=130)


@pytest.mark.parametrize("verb", [["--help"], ["ls"], ["trials", "toy"], ["best", "toy"], ["space", "toy"], ["schema"]])
def test_verbs_that_look_load_nothing_heavy(store: Store, home: Path, verb: list[str]) -> None:
    script = (
        "import sys\nfrom service.interface.cli import main\n"
        f"main({verb!r}, standalone_mode=False)\n"
        "print([m for m in ('ray', 'torch', 'pandas', 'alembic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={"SIEVE_HOME": str(home)}, check=True
    )
    assert done.stdout.endswith("[]\n")


def test_without_what_this_machine_needs_a_service_is_named_as_the_cure(
    monkeypatch: pytest.MonkeyPatch, sieve: Terminal
) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    monkeypatch.delitem(sys.modules, "service.engine.control.head_liveness", raising=False)
    said = sieve("ls", code=2).stderr
    assert said.startswith(
        "error: sieve ls on this machine needs psutil, which is not installed; "
        "from a checkout of Sieve: pip install '.[engine]'"
    )
    assert "or name a service with --address, SIEVE_ADDRESS or sieve context use" in said
