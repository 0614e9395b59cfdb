"""`pip install '.[client]'` in an empty environment: no Ray, no torch, and the client works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
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
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of an environment that has nothing but ``raysieve[client]``, from a built wheel."""
    folder = tmp_path_factory.mktemp("light")
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        (folder / "source").mkdir(exist_ok=True)
        shutil.copy(ROOT / part, folder / "source")
    for package in ("service", "trainables", "cluster"):
        shutil.copytree(ROOT / package, folder / "source" / package, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-deps", "--wheel-dir", str(folder / "wheels"), str(folder / "source"))
    (wheel,) = (folder / "wheels").glob("*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = str(folder / "venv" / "bin" / "python")
    pip(
        "--python", python, "install", "--no-compile", "--constraint", str(ROOT / "constraints.txt"), f"{wheel}[client]"
    )
    return folder / "venv" / "bin"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    store = open_store(tmp_path / "home", create=True)
    store.create("toy", load(SPEC).to_dict(), "/project", "ann", None)
    with served(create_app(tmp_path / "home")) as where:
        yield where


def test_the_client_needs_neither_ray_nor_torch(environment: Path, address: str, tmp_path: Path) -> None:
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "SIEVE_HOME")}
    variables = kept | {"SIEVE_TOKEN": TOKEN, "SIEVE_ADDRESS": address, "XDG_CONFIG_HOME": str(tmp_path)}

    def run(*words: str, code: int = 0) -> str:
        command = [str(environment / words[0]), *words[1:]]
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
    assert not any((environment.parent / "lib").rglob("site-packages/torch"))
