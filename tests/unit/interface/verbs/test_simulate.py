"""``sieve simulate`` from file to listing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import service
from service.engine.simulation.options import SimulationOptions
from service.interface.verbs.simulate import simulate
from service.ledger import Store
from tests.unit.interface.conftest import SPEC, Terminal

CURVES = """
def curve(config, data, epoch):
    return 1 - 0.5**epoch - config["lr"] / 2, 60.0 * data
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A sweep's file in the current folder, with its curves beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "curves.py").write_text(CURVES)
    spec = SPEC | {"name": "dry", "schedule": {"algorithm": "promote", "reduction_factor": 2}}
    (tmp_path / "sweep.yaml").write_text(json.dumps(spec))
    return "sweep.yaml"


def test_a_simulated_sweep_is_told_in_a_few_lines_and_listed_like_any(sieve: Terminal, file: str) -> None:
    out = sieve("simulate", file, "--curves", "curves.py:curve", "--workers", "2").stdout
    assert "dry SUCCEEDED (simulated): 6 trials" in out
    assert "6 trials: 6 reached stage 0, " in out
    assert "with 2 workers" in out
    assert "% of the 24.6 for all 6 trials in full" in out
    assert "decisions: next median" in out
    for verb in ("status", "trials", "history", "best", "report", "export"):
        assert sieve(verb, "dry").stdout
    assert "dry  SUCCEEDED (simulated)" in sieve("status", "dry").stdout
    assert "simulated, all times virtual" in Path(sieve("report", "dry").stdout.strip()).read_text()
    assert "(simulated)" in sieve("ls").stdout


def test_json_has_the_numbers(sieve: Terminal, file: str) -> None:
    verb = ("simulate", file, "--curves", "curves.py:curve", "-o", "json")
    told = json.loads(sieve(*verb, "--budget-seconds", "250", "--workers", "3", "--seed", "5", "--name", "cut").stdout)
    assert (told["sweep"], told["state"], told["seconds"], told["workers"]) == ("cut", "STOPPED", 250.0, 3)
    assert 0 < told["reached_stages"][0] == told["trials"] <= 6
    assert told["decisions"]["judge"]["calls"] > 6
    free = json.loads(sieve(*verb, "--crash-rate", "0.5", "--stragglers", "1", "--charge-decisions").stdout)
    assert free["seconds"] > 250
    assert free["wall"] > 0


def test_the_history_says_what_each_epoch_cost(sieve: Terminal, file: str) -> None:
    sieve("simulate", file, "--curves", "curves.py:curve")
    rows = json.loads(sieve("history", "dry", "-o", "json").stdout)
    assert {row["seconds"] for row in rows} == {6.0, 60.0}


def test_an_export_is_a_source(sieve: Terminal, file: str) -> None:
    sieve("simulate", file, "--curves", "curves.py:curve")
    sieve("export", "dry", "--what", "history", "--format", "parquet")
    told = sieve("simulate", file, "--curves", "dry-history.parquet", "--name", "again", "-o", "json").stdout
    assert json.loads(told)["trials"] == 6
    rows = [json.loads(sieve("history", name, "-o", "json").stdout) for name in ("dry", "again")]
    first, again = ([(row["config/lr"], row["val_accuracy"], row["time"]) for row in found] for found in rows)
    assert first == again


def test_mistakes_name_their_cure(sieve: Terminal, file: str, store: Store) -> None:
    assert "did you mean 'toy'" in sieve("simulate", file, "--curves", "toi", code=2).stderr
    assert (
        "toy is the name of a real sweep"
        in sieve("simulate", file, "--curves", "curves.py:curve", "--name", "toy", code=2).stderr
    )
    assert "no file 'sweeps.yaml'" in sieve("simulate", "sweeps.yaml", "--curves", "toy", code=2).stderr


def test_from_python_it_is_a_handle(file: str, home: Path) -> None:
    def flat(config: dict[str, float], data: float, epoch: int) -> tuple[float, float]:
        return config["lr"], 1.0

    sweep = service.simulate(file, flat, home=home, workers=1)
    assert (sweep.name, sweep.state) == ("dry", "SUCCEEDED")
    assert len(sweep.trials()) == 6
    assert len(sweep.best()) == 1


def test_the_options_of_the_verb_are_those_of_python() -> None:
    assert {field.name for field in fields(SimulationOptions)} < {parameter.name for parameter in simulate.params}


def test_it_starts_neither_ray_nor_torch(file: str, home: Path) -> None:
    script = (
        "import sys\nfrom service.interface.cli import main\n"
        f"main(['simulate', {file!r}, '--curves', 'curves.py:curve', '-o', 'json'], standalone_mode=False)\n"
        "print([m for m in ('ray', 'torch', 'pandas', 'alembic') if m in sys.modules])"
    )
    environment = {"SIEVE_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.endswith("[]\n")


def test_values_out_of_all_proportion_are_shown(sieve: Terminal, file: str) -> None:
    values = "[1e200, -1e200, 1.7e308, -1.7e308, 1e-20, 0.5, float('nan')]"
    Path("curves.py").write_text(
        f"def curve(config, data, epoch):\n    return {values}[int(7e6 * config['lr'] + epoch) % 7], 1.0\n"
    )
    assert "dry SUCCEEDED" in sieve("simulate", file, "--curves", "curves.py:curve").stdout
    for verb in ("status", "trials", "history", "best", "report", "export"):
        assert sieve(verb, "dry").stdout
    for verb in ("status", "trials", "history", "best"):
        assert json.loads(sieve(verb, "dry", "-o", "json").stdout)
