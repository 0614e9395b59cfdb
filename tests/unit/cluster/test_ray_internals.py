"""What Ray does not promise and Sieve uses, as far as it needs no Ray that runs; and what happens where it is gone."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import ray
from ray import tune
from ray.job_submission import JobSubmissionClient
from ray.tune.schedulers import HyperBandScheduler

from cluster.command import ray_command
from cluster.errors import RayChanged
from cluster.ray_internals import (
    absence,
    actors,
    dashboard,
    domains,
    jobs,
    nodes,
    placement_groups,
    undocumented_switches,
)
from cluster.ray_internals.authentication import show_token
from cluster.token import MODE
from service.engine.launch import head_main
from service.engine.preflight.target import Target
from service.policy.schedule import create
from service.spec import load
from service.spec.errors import UserError

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _untold() -> Iterator[None]:
    """What is not known is told once in a process."""
    absence._tell.cache_clear()
    yield
    absence._tell.cache_clear()


def test_nothing_of_ray_is_loaded_before_it_is_needed() -> None:
    files = sorted((ROOT / "cluster" / "ray_internals").glob("*.py"))
    names = [f"cluster.ray_internals.{file.stem}" for file in files if file.stem != "__init__"]
    assert len(names) == 14
    script = f"import sys, {', '.join(names)}; print([name for name in sys.modules if name.split('.')[0] == 'ray'])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_versions_that_are_tested_are_those_that_are_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [promised] = [one for one in project["optional-dependencies"]["engine"] if one.startswith("ray[")]
    assert promised == f"ray[default,train,tune]{absence.TESTED}"


def test_what_is_refused_names_the_version_and_ends_with_the_cure() -> None:
    with (
        pytest.raises(RayChanged, match=f"flying: not with Ray {version('ray')}, .*no_name") as told,
        absence.refused("flying"),
    ):
        ray.no_name  # noqa: B018
    assert str(told.value).endswith(
        "; install a version that is tested: pip install 'ray[default,train,tune]>=2.60,<2.61'"
    )
    with pytest.raises(ValueError, match="mine"), absence.refused("flying"):
        raise ValueError("mine")


def test_what_is_excused_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(2):
        with absence.excused("the weather"):
            from ray import weather  # noqa: F401
    [line] = caplog.messages
    assert line.startswith(f"the weather: not known with Ray {version('ray')}, which is not tested (ImportError")


class _Trial:
    """As Tune's, of another version."""


@pytest.mark.parametrize("gone", ["actors", "available_resources_per_node"])
def test_a_place_or_its_room_that_ray_does_not_tell_is_not_known(
    gone: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr(f"ray._private.state.{gone}")
    assert (actors.node_of("0" * 32) if gone == "actors" else nodes.free_by_node()) in (None, {})
    assert actors.worker_of(_Trial()) is None
    assert len(caplog.messages) == 2


def test_who_cannot_free_what_killed_trials_hold_trains_in_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("ray._private.state.state")
    with pytest.raises(
        RayChanged, match=r"trials of several processes: not with Ray .*; write resources.workers: 1, or"
    ):
        placement_groups.abandoned()


def token_of(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str) -> None:
    (tmp_path / "token").write_text(text)
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path / "token"))
    for name in (MODE, "RAY_AUTH_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def test_a_token_that_ray_cannot_show_is_refused_unless_there_is_none_or_its_mode_is_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    module = "ray._private.authentication.authentication_token_setup"
    monkeypatch.delattr(f"{module}.maybe_enable_token_auth_if_token_available")
    token_of(monkeypatch, tmp_path, "s3cret")
    with pytest.raises(RayChanged, match=f"showing Ray's token .*; set {MODE}=token where the cluster wants it"):
        show_token()
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)  # Another test of this process may have joined one.
    for joins in (Target(spec("fifo")), head_main._cluster()):
        with pytest.raises(UserError, match=f"showing Ray's token .*; set {MODE}=token"), joins:
            pass
    monkeypatch.setenv(MODE, "token")
    show_token()
    token_of(monkeypatch, tmp_path, "")
    show_token()


def test_the_dashboard_says_what_is_used_in_words_or_not_at_all() -> None:
    words = "3.0/8.0 CPU\n1.5/4.0 GPU\n1.2GiB/20.31GiB memory"
    assert dashboard.used_of({"nodeLogicalResources": {"a": words}}, "a") == {"CPU": 3.0, "GPU": 1.5}
    other: list[Any] = [None, [], {}, {"nodeLogicalResources": None}, {"nodeLogicalResources": {"a": {"CPU": 1}}}]
    assert [dashboard.used_of(one, "a") for one in other] == [None] * len(other)


LAWS = [
    (tune.uniform(0, 1), ("Float", "Uniform", [0, 1], None)),
    (tune.quniform(0, 1, 0.25), ("Float", "Uniform", [0, 1], 0.25)),
    (tune.loguniform(1e-3, 1), ("Float", "LogUniform", [1e-3, 1], None)),
    (tune.randn(1, 2), ("Float", "Normal", [1, 2], None)),
    (tune.qrandn(1, 2, 0.5), ("Float", "Normal", [1, 2], 0.5)),
    (tune.randint(1, 9), ("Integer", "Uniform", [1, 9], None)),
    (tune.qlograndint(2, 8, 2), ("Integer", "LogUniform", [2, 8], 2)),
    (tune.choice(["a", "b"]), ("Categorical", "Uniform", ["a", "b"], None)),
]


@pytest.mark.parametrize(("domain", "parts"), LAWS, ids=lambda value: str(value)[:40])
def test_tunes_domains_are_taken_apart(domain: Any, parts: tuple[Any, ...]) -> None:
    assert domains.is_domain(domain)
    assert domains.parts_of(domain) == parts


def test_a_domain_that_hides_its_bounds_is_refused() -> None:
    domain = tune.uniform(0, 1)
    del domain.lower
    with pytest.raises(RayChanged, match=r"reading Float of Tune: .*; write the parameter as in YAML"):
        domains.parts_of(domain)


def spec(algorithm: str) -> Any:
    return load(
        {
            "name": "a",
            "task": "toy:curve",
            "metric": {"name": "score", "goal": "maximize"},
            "parameters": {"x": {"uniform": [0, 1]}},
            "stages": [{"data": 0.25, "epochs": 1}, {"data": 0.5, "epochs": 1}, {"data": 1.0, "epochs": 1}],
            "schedule": {"algorithm": algorithm, "reduction_factor": 2},
            "search": {"trials": 40},
        }
    )


def test_tunes_hyperband_halves_the_one_bracket_it_is_held_to() -> None:
    """Three stages, two halvings: the paper's bracket has ceil(3 / 3 * 2 ** 2) = 4, whose better half goes on."""
    rungs = create(spec("hyperband"))
    for trial in range(1, 5):
        rungs.begin(trial)
    verdicts = [rungs.judge(trial, 0, float(trial), 1.0).kind for trial in range(1, 5)]
    gone = [ruling.trial for ruling in rungs.dismissals(over=False)]
    promoted = []
    while (ruling := rungs.promotion(draining=False)) is not None:
        promoted.append(ruling.trial)
        rungs.promoted(ruling.trial, ruling.stage)
    assert (set(verdicts), gone, promoted) == ({"pause"}, [1, 2], [4, 3])


@pytest.mark.parametrize("gone", ["_create_bracket", "_get_n0", "_n"])
def test_a_hyperband_that_has_other_brackets_is_refused(gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make = HyperBandScheduler.__init__

    def otherwise(scheduler: Any, *arguments: Any, **options: Any) -> None:
        make(scheduler, *arguments, **options)
        del scheduler._get_n0

    if gone == "_get_n0":
        monkeypatch.setattr(HyperBandScheduler, "__init__", otherwise)
    else:
        monkeypatch.setattr(HyperBandScheduler, "_create_bracket", lambda *_: object())
    if gone == "_create_bracket":
        monkeypatch.delattr(HyperBandScheduler, "_create_bracket")
    rungs = create(spec("hyperband"))
    with pytest.raises(
        UserError, match=r"the schedule hyperband: .*; choose promote or asha as schedule.algorithm, or"
    ):
        rungs.begin(1)


def test_tunes_asha_stops_below_the_cutoff_that_is_told_and_nowhere_else() -> None:
    draw, rungs = random.Random(7), create(spec("asha"))
    for trial in range(1, 41):
        for stage in (0, 1):
            verdict = rungs.judge(trial, stage, draw.random(), 1.0)
            cutoff, value = verdict.numbers["cutoff"], verdict.numbers["value"]
            assert (verdict.kind == "stop") == (cutoff is not None and value < cutoff), (trial, verdict)
            if verdict.kind == "stop":
                break


def test_a_client_of_jobs_gives_up_a_dashboard_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(Exception, match="timed out"):
        jobs.client(f"http://127.0.0.1:{mute.getsockname()[1]}", {}, 0.2)


def test_a_client_of_jobs_is_rays_own_where_that_asks_otherwise(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delattr("ray.dashboard.modules.dashboard_sdk.SubmissionClient._do_request")
    monkeypatch.setattr(JobSubmissionClient, "_check_connection_and_version", lambda *_, **__: None)
    assert type(jobs.client("http://127.0.0.1:9", {}, 0.2)) is JobSubmissionClient
    assert caplog.messages[0].startswith("whether the dashboard answers in time: not known")


def known_to_ray(name: str) -> bool:
    """Whether Ray's own code reads the environment variable, be it in Python or in C++."""
    folder = Path(ray.__file__).parent
    python = (file for part in ("_private", "tune", "train") for file in folder.glob(f"{part}/**/*.py"))
    compiled = (folder / "_raylet.so").read_bytes()
    return f"{name}\0".encode() in compiled or any(f'"{name}"' in file.read_text() for file in python)


@pytest.mark.parametrize(
    "switch",
    [
        undocumented_switches.HIDE_GPUS,
        undocumented_switches.START_FEW,
        undocumented_switches.SYNC_QUIETLY,
        undocumented_switches.preload(["torch"]),
    ],
    ids=str,
)
def test_switches_are_known_to_ray(switch: dict[str, str]) -> None:
    [name] = switch
    assert known_to_ray(name)
    assert not known_to_ray(name[:-1])


def test_rays_command_line_is_found_without_the_name_of_its_module() -> None:
    done = subprocess.run([*ray_command(), "--version"], capture_output=True, text=True, check=True)
    assert version("ray") in done.stdout
