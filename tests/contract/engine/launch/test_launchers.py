"""What every launcher promises: heads as detached processes, and as jobs of a real Ray."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from ray.job_submission import JobStatus

from cluster.local import LocalCluster
from cluster.secrets import SECRETS
from service.engine.launch.detached_process import DetachedProcesses
from service.engine.launch.launcher import Launch, Launcher, LaunchFailed
from service.engine.launch.ray_jobs import RayJobs

NOBODY = "http://127.0.0.1:9"
"""Where no service listens: a head waits for it."""


@pytest.fixture(params=["processes", "jobs"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Launcher]:
    """Makes the launcher, also again, as after a restart of the service."""
    if request.param == "processes":
        return lambda: DetachedProcesses(tmp_path / "logs")
    cluster: LocalCluster = request.getfixturevalue("cluster")
    return lambda: RayJobs(cluster.dashboard or "", python=sys.executable)


@pytest.fixture
def launch(request: pytest.FixtureRequest, tmp_path: Path) -> Launch:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "task.py").touch()
    name = f"a{abs(hash(request.node.name))}"
    return Launch(name, 1, "ada", NOBODY, "one-use", tmp_path / "code", tmp_path, "http://page")


def until(ready: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_head_lives_until_it_is_stopped_and_a_new_launcher_finds_it(
    make: Callable[[], Launcher], launch: Launch
) -> None:
    id = make().start(launch)
    assert make().alive(id) is True
    later = make()
    until(lambda: "does not answer" in "".join(later.logs(id)))
    assert later.alive(id) is True
    later.stop(id)
    until(lambda: later.alive(id) is False)
    later.stop(id)  # Once more does nothing.
    assert make().alive(id) is False


def test_a_head_that_ends_at_once_is_seen_with_its_last_words(make: Callable[[], Launcher], launch: Launch) -> None:
    launcher = make()
    id = launcher.start(replace(launch, address="nonsense"))
    assert "error: cannot ask nonsense/api/v1" in "".join(launcher.logs(id, follow=True))
    assert launcher.alive(id) is False
    assert "write the address as http://host:port" in "".join(make().logs(id))


def test_a_head_that_cannot_be_started_says_so(make: Callable[[], Launcher], launch: Launch) -> None:
    with pytest.raises(LaunchFailed, match=f"cannot start {launch.name}"):
        make().start(replace(launch, code=Path("/nowhere/at/all")))


def test_who_was_never_started_does_not_live(make: Callable[[], Launcher], launch: Launch) -> None:
    id = f"{launch.name}:{socket.gethostname()}:1:1.00"
    assert make().alive(id) is False
    assert list(make().logs(id)) == []


def test_heads_on_another_machine_are_not_taken_for_dead(tmp_path: Path, launch: Launch) -> None:
    launcher, id = DetachedProcesses(tmp_path), f"{launch.name}:elsewhere:1:1.00"
    assert launcher.alive(id) is None
    with pytest.raises(LaunchFailed, match="it is on elsewhere"):
        launcher.stop(id)


def test_heads_that_have_ended_leave_no_zombies(tmp_path: Path, launch: Launch) -> None:
    """Nobody asks after one that has told the service of its end."""
    launcher = DetachedProcesses(tmp_path / "logs")
    pids = []
    for attempt in (1, 2):
        id = launcher.start(replace(launch, address="nonsense", attempt=attempt))
        pids.append(int(id.split(":")[2]))
        until(lambda: psutil.Process(pids[-1]).status() == psutil.STATUS_ZOMBIE)
    assert not psutil.pid_exists(pids[0])
    assert launcher.alive(id) is False
    assert not psutil.pid_exists(pids[1])


def test_a_name_is_no_other_heads_though_sweeps_of_that_name_come_and_go(launch: Launch) -> None:
    launches = [replace(launch, created=created, attempt=attempt) for created in (5.0, 5.002) for attempt in (1, 2)]
    assert len({one.name for one in launches}) == 4


def test_a_head_on_this_machine_inherits_neither_database_nor_token(
    launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in SECRETS:
        monkeypatch.setenv(name, "postgresql://ann:hush@db/sieve")
    launcher = DetachedProcesses(tmp_path / "logs")
    id = launcher.start(launch)
    head = psutil.Process(int(id.split(":")[2]))
    until(lambda: head.environ().get("SIEVE_TICKET") == launch.ticket)  # it may be about to begin
    inherited = head.environ()
    launcher.stop(id)
    assert not any("hush" in value for value in inherited.values())


def test_a_job_tells_people_whose_it_is_and_no_secret(cluster: LocalCluster, launch: Launch) -> None:
    jobs = RayJobs(cluster.dashboard or "", python=sys.executable)
    id = jobs.start(launch)
    until(lambda: jobs._client().get_job_status(id) == JobStatus.RUNNING)  # who is stopped before may begin yet
    info = jobs._client().get_job_info(id)
    jobs.stop(id)
    until(lambda: jobs.alive(id) is False)
    assert id == launch.name == f"sieve-{launch.sweep}-1-{launch.born}"
    shown = {"name": launch.sweep, "owner": "ada", "page": "http://page"}
    assert {key: info.metadata[key] for key in shown} == shown
    assert "one-use" not in info.entrypoint


def test_a_cluster_that_is_away_can_tell_nothing(launch: Launch) -> None:
    jobs = RayJobs(NOBODY)
    assert jobs.alive("x") is None
    with pytest.raises(LaunchFailed, match="cannot start"):
        jobs.start(launch)


def test_a_dashboard_that_hangs_is_given_up(launch: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections and never answers, as a process that is stopped."""
    monkeypatch.setattr("service.engine.launch.ray_jobs.TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        jobs = RayJobs(f"http://127.0.0.1:{mute.getsockname()[1]}")
        assert jobs.alive("x") is None
        with pytest.raises(LaunchFailed, match="timed out"):
            jobs.start(launch)
