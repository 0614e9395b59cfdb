"""The client against a service: submission, its repetition, what is refused, and what it loads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

import service
from service.interface.cli import main
from service.interface.remote.connection import Call, Connection
from service.interface.remote.problem_errors import Denied
from service.ledger import Store
from service.ledger.errors import NameInUse, UnknownSweep
from service.spec import load
from service.spec.errors import SpecError, UserError
from tests.contract.interface.conftest import TOKEN
from tests.unit.interface.conftest import SPEC

TOY = Path(__file__).parents[2] / "projects" / "toy.py"
NEW = SPEC | {"name": "new", "task": "toy:curve"}
HEAVY = ("ray", "torch", "pandas", "numpy", "sqlalchemy", "alembic", "psutil", "fastapi", "uvicorn", "starlette")


@pytest.fixture
def client(address: str, store: Store) -> Iterator[service.Client]:
    with service.Client(address, TOKEN) as client:
        yield client


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(TOY, folder / "toy.py")
    return folder


def packages(home: Path) -> list[Path]:
    """The code that the service has kept."""
    return list((home / "packages").glob("*"))


def test_a_submission_travels_with_its_code(
    client: service.Client, home: Path, store: Store, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_LOG", str(project.parent / "log"))
    sweep = client.submit(NEW, project)
    assert repr(sweep) == f"RemoteSweep('new', QUEUED, {client._remote.where})"
    assert load(sweep.spec) == load(NEW)
    [folder] = packages(home)
    assert folder.name == store.sweep("new").package
    assert [path.name for path in folder.iterdir()] == ["toy.py"]


def test_the_same_again_is_the_same_submission(client: service.Client, store: Store, project: Path) -> None:
    for _ in range(2):
        assert client.submit(NEW, project, check=False).name == "new"
    assert len(store.sweeps()) == 4
    with pytest.raises(NameInUse, match="in use by a sweep with other stages"):
        client.submit(NEW | {"stages": SPEC["stages"][1:]}, project, check=False)


def test_a_sweep_that_waits_takes_the_code_that_comes_last(client: service.Client, store: Store, project: Path) -> None:
    client.submit(NEW, project, check=False)
    before = store.sweep("new").package
    (project / "toy.py").write_text("changed = True\n")
    assert client.submit(NEW, project, check=False).state == "QUEUED"
    assert store.sweep("new").package != before
    shutil.copy(TOY, project / "toy.py")
    client.submit(NEW, project, check=False)
    assert store.sweep("new").package == before


def test_what_is_wrong_is_said_before_anything_is_sent(client: service.Client, home: Path, project: Path) -> None:
    with pytest.raises(SpecError, match="unknown key 'stagess'"):
        client.submit(NEW | {"stagess": []}, project)
    with pytest.raises(SpecError, match="toy has no curv"):
        client.submit(NEW | {"task": "toy:curv"}, project)
    with pytest.raises(UserError, match="more than"):
        client.submit(NEW, project, check=False, max_package=10)
    assert packages(home) == []


def test_handles_of_what_is_not_there_are_refused(client: service.Client) -> None:
    with pytest.raises(UnknownSweep, match="did you mean 'toy'"):
        client.sweep("toi")


def test_a_wrong_token_is_denied(address: str, store: Store) -> None:
    with service.Client(address, "wrong") as stranger, pytest.raises(Denied, match="sieve token create"):
        stranger.sweeps()


def test_a_token_that_the_service_writes_meanwhile_is_shown(address: str, store: Store) -> None:
    tokens = iter([None, TOKEN])
    with closing(Connection(address, lambda: next(tokens))) as connection:
        assert connection.exists(Call("HEAD", ("packages", "0" * 64))) is False, "denied at first, then answered"


def test_a_wrong_token_at_submit_is_told_in_the_words_of_the_service(address: str, store: Store, project: Path) -> None:
    with service.Client(address, "wrong") as stranger:
        for ask in (stranger.sweeps, lambda: stranger.submit(NEW, project, check=False)):
            with pytest.raises(Denied, match="the token does not hold: it is unknown or revoked; set SIEVE_TOKEN"):
                ask()


def test_a_client_needs_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("SIEVE_ADDRESS", raising=False)
    with pytest.raises(UserError, match="there is no address"):
        service.Client()
    monkeypatch.setenv("SIEVE_ADDRESS", address)
    assert repr(service.Client()) == f"Client({address!r})"


def test_sweeps_and_the_queue_are_frames(client: service.Client, store: Store) -> None:
    assert list(client.sweeps()["sweep"]) == ["toy", "waiting", "over"]
    assert list(client.queue()["sweep"]) == ["toy", "waiting"]


def test_the_log_comes_line_by_line(client: service.Client) -> None:
    assert list(client.sweep("toy").logs()) == ["the head began", "trial 1 goes on"]


def test_submitting_from_a_terminal(address: str, store: Store, project: Path) -> None:
    (project / "sweep.yaml").write_text(load(NEW).to_yaml())
    words = ["submit", str(project / "sweep.yaml"), "--project", str(project), "--no-check", "--address", address]
    first, second = (CliRunner().invoke(main, words, env={"SIEVE_TOKEN": TOKEN}).stdout for _ in range(2))
    assert first == "new is submitted; watch it with: sieve watch new\n"
    assert second == "new was there already and is QUEUED; watch it with: sieve watch new\n"


@pytest.mark.parametrize(
    ("ended", "said", "then"),
    [
        ("FAILED", "new was FAILED and goes on; watch it with: sieve watch new", "QUEUED"),
        ("PAUSED", "new was PAUSED and goes on; watch it with: sieve watch new", "QUEUED"),
        ("STOPPED", "new is STOPPED already (so); give it more trials with: sieve extend new --trials N", "STOPPED"),
        ("CANCELLED", "new is CANCELLED and cannot go on; give it a new name, or", "CANCELLED"),
    ],
)
def test_submitting_again_what_is_under_way_no_longer(
    client: service.Client, address: str, store: Store, project: Path, ended: str, said: str, then: str
) -> None:
    (project / "sweep.yaml").write_text(load(NEW).to_yaml())
    client.submit(NEW, project, check=False)
    store.end("new", store.claim("new", "h:1:1", lambda _: False).attempt, ended, "so")
    words = ["submit", str(project / "sweep.yaml"), "--project", str(project), "--no-check", "--address", address]
    assert said in CliRunner().invoke(main, words, env={"SIEVE_TOKEN": TOKEN}).stdout
    assert store.sweep("new").state == then


def test_a_paused_sweep_that_is_extended_goes_on_and_a_cancelled_one_cannot(
    client: service.Client, store: Store, project: Path
) -> None:
    sweep = client.submit(NEW, project, check=False)
    sweep.pause()
    sweep.extend(2)
    assert sweep.state == "QUEUED"
    sweep.cancel()
    with pytest.raises(UserError, match="new is CANCELLED and cannot go on; give it a new name, or remove it first"):
        sweep.extend(2)
    with pytest.raises(
        UserError, match="new is CANCELLED: there is nothing to resume; give it a new name, or remove it"
    ):
        sweep.resume()


BLOCKED = f"import sys\nfor name in {HEAVY}: sys.modules[name] = None\nfrom service.interface.cli import main\n"
"""Python where nothing of an extra is installed."""


def run(script: str, folder: Path, address: str, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "SIEVE_TOKEN": TOKEN, "SIEVE_ADDRESS": address}
    command = [sys.executable, "-c", BLOCKED + script, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_verbs_with_an_address_load_nothing_of_an_extra(address: str, store: Store, tmp_path: Path) -> None:
    verbs = (
        ["ls"],
        ["status", "toy"],
        ["best", "toy"],
        ["queue"],
        ["pause", "toy"],
        ["logs", "toy"],
        ["watch", "over"],
    )
    script = f"import service\nservice.Client\nfor words in {verbs!r}: main(words, standalone_mode=False)\n"
    done = run(script, tmp_path, address)
    assert done.returncode == 0, done.stderr
    assert "the head began" in done.stdout


def test_submitting_loads_nothing_that_trains(address: str, store: Store, project: Path) -> None:
    """Neither from a terminal nor by the first call of a client, though the task is looked for in the code."""
    (project / "sweep.yaml").write_text(load(NEW).to_yaml())
    loaded = f"print([name for name in {(*HEAVY, 'sklearn', 'scipy')!r} if sys.modules.get(name)])\n"
    verb = "import sys\nfrom service.interface.cli import main\nmain(sys.argv[1:], standalone_mode=False)\n"
    call = "import sys, service\nservice.Client().submit('sweep.yaml', check=True)\n"
    for script in (verb, call):
        environment = {**os.environ, "SIEVE_TOKEN": TOKEN, "SIEVE_ADDRESS": address}
        command = [sys.executable, "-c", script + loaded, "submit", "sweep.yaml"]
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)
        assert done.stdout.splitlines()[-1:] == ["[]"], done.stderr
    assert store.sweep("new").state == "QUEUED"
    assert run("main()", project, address, "submit", "sweep.yaml").returncode == 0


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (["ls", "--home", "home"], "engine"),
        (["run", "sweep.yaml"], "engine"),
        (["export", "toy", "--format", "parquet"], "client"),
    ],
)
def test_what_lacks_is_said_with_the_line_that_installs_it(
    address: str, store: Store, tmp_path: Path, words: list[str], extra: str
) -> None:
    done = run("main()", tmp_path, address, *words)
    assert done.returncode == 2
    assert f"pip install '.[{extra}]'" in done.stderr
