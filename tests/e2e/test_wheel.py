"""The wheel in environments that have nothing else of Sieve: the light client, and a whole one that runs a sweep."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.ledger import open_store
from service.spec import load
from tests.contract.interface.served import served
from tests.contract.interface.service import TOKEN, create_app
from tests.unit.interface.conftest import SPEC

ROOT = Path(__file__).parents[2]
UNREACHABLE = ("Could not find a version", "No matching distribution", "Failed to establish", "Connection", "Temporary")
INSTALL = ROOT / "docs" / "how-to" / "install.md"
EXAMPLE = "from importlib.resources import files; print((files('trainables.tasks') / 'digits.yaml').read_text())"
SCRIPT = """
import sys, service
client = service.Client()
print(list(client.sweeps()["sweep"]), client.sweep("toy").trials().shape[0])
print([name for name in ("ray", "torch", "sqlalchemy") if name in sys.modules])
"""


def pip(*words: str) -> None:
    """Runs pip; skips the test where the index is not to be reached."""
    done = subprocess.run([sys.executable, "-m", "pip", "--quiet", *words], capture_output=True, text=True, check=False)
    if done.returncode and any(sign in done.stderr for sign in UNREACHABLE):
        pytest.skip(f"the package index is not to be reached: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        (folder / "source").mkdir(exist_ok=True)
        shutil.copy(ROOT / part, folder / "source")
    for package in ("service", "trainables", "cluster"):
        shutil.copytree(ROOT / package, folder / "source" / package, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-deps", "--wheel-dir", str(folder / "wheels"), str(folder / "source"))
    (wheel,) = (folder / "wheels").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of an environment that has nothing but ``raysieve[client]``."""
    folder = tmp_path_factory.mktemp("light")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = str(folder / "venv" / "bin" / "python")
    pip(
        "--python", python, "install", "--no-compile", "--constraint", str(ROOT / "constraints.txt"), f"{wheel}[client]"
    )
    return folder / "venv" / "bin"


@pytest.fixture(scope="module")
def whole(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with all that Sieve needs, which it finds where this test's own environment has it, and no checkout."""
    folder = tmp_path_factory.mktemp("whole")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    pip("--python", str(python), "install", "--no-compile", "--no-deps", str(wheel))
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # a path in a .pth file is searched, but .pth files in it are not obeyed: that of the checkout has no say
    (site / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"])
    return python.parent


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    store = open_store(tmp_path / "home", create=True)
    store.create("toy", load(SPEC).to_dict(), "/project", "ann", None)
    with served(create_app(tmp_path / "home")) as where:
        yield where


def test_the_client_needs_neither_ray_nor_torch(light: Path, address: str, tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SIEVE_HOME")}
    variables = kept | {"SIEVE_TOKEN": TOKEN, "SIEVE_ADDRESS": address, "XDG_CONFIG_HOME": str(tmp_path)}

    def run(*words: str, code: int = 0) -> str:
        command = [str(light / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    assert "submit" in run("sieve", "--help")
    assert "toy" in run("sieve", "ls")
    assert "6 trials" in run("sieve", "status", "toy")
    assert run("python", "-c", SCRIPT).splitlines() == ["['toy'] 0", "[]"]
    (tmp_path / "sweep.yaml").write_text(load(SPEC | {"name": "new"}).to_yaml())
    assert "the task's module toy is not in" in run("sieve", "submit", "sweep.yaml")
    assert "pip install '.[engine]'" in run("sieve", "run", "sweep.yaml", code=2)
    assert not any((light.parent / "lib").rglob("site-packages/torch"))


def test_a_sweep_runs_from_the_wheel_alone(whole: Path, tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SIEVE_HOME", "RAY_ADDRESS")}

    def run(*words: str) -> str:
        command = [str(whole / words[0]), *words[1:]]
        done = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    place = run("python", "-c", "import service; print(service.__file__)")
    assert Path(place).is_relative_to(whole.parent), "not the checkout"
    spec = SPEC | {"task": "curves:train", "search": {"algorithm": "random", "trials": 2}}
    (tmp_path / "curves.py").write_text(
        "def train(config, stage):\n    for _ in stage:\n        stage.report({'val_accuracy': config['lr']})\n"
    )
    (tmp_path / "sweep.yaml").write_text(load(spec).to_yaml())
    assert "toy SUCCEEDED" in run("sieve", "run", "sweep.yaml", "--quiet")
    assert run("sieve", "export", "toy", "--format", "csv", "--output", "toy.csv")
    assert (tmp_path / "toy.csv").read_text().count("\n") == 3
    assert "wrote first/task.py" in run("sieve", "init", "text", "--folder", "first"), (
        "so are what first tasks are made of"
    )
    assert "trainables.tasks.digits" in run("python", "-c", EXAMPLE), "the example sweeps are in it, too"


def test_every_extra_can_be_installed_with_the_versions_that_are_tested(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        extras = re.findall(r"^Provides-Extra: (.+)$", archive.read(name).decode(), re.MULTILINE)
    documented = re.findall(r"`([a-z]+)`", "".join(re.findall(r"^\| (`.*?) \|", INSTALL.read_text(), re.MULTILINE)))
    assert sorted(extras) == sorted(documented)
    extras.remove("mlflow")  # none of its releases takes the pyarrow that is tested, as the page says
    wanted = f"{wheel}[{','.join(extras)}]"
    pip("install", "--dry-run", "--constraint", str(ROOT / "constraints.txt"), wanted)
