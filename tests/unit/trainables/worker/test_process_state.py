"""What a trial changes of its process is as it was before when the next one begins."""

from __future__ import annotations

import gc
import locale
import logging
import multiprocessing
import os
import random
import resource
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.worker import process_state
from trainables.worker.process_state import PARTS, Unrestorable
from trainables.worker.staged import StagedTrainable


def _lower_a_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft - 1, hard))


CHANGES: dict[str, Callable[[], Any]] = {
    "working directory": lambda: os.chdir("/"),
    "environment": lambda: (os.environ.update(ADDED="1", HOME="/elsewhere"), os.environ.pop("PATH")),
    "sys.path": lambda: sys.path.insert(0, "/elsewhere"),
    "sys.argv": lambda: sys.argv.append("--more"),
    "recursion limit": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "garbage collection": gc.disable,
    "signal handlers": lambda: signal.signal(signal.SIGUSR1, lambda *_: None),
    "warnings filters": lambda: warnings.simplefilter("ignore"),
    "logging levels": lambda: (logging.getLogger().setLevel(1), logging.getLogger("ray").setLevel(2)),
    "logging threshold": lambda: logging.disable(logging.CRITICAL),
    "logging handlers": lambda: [
        logging.getLogger(name).addHandler(logging.NullHandler()) for name in (None, "ray", "a.trials.own")
    ],
    "start method of processes": lambda: multiprocessing.set_start_method("spawn", force=True),
    "hooks of Python": lambda: setattr(sys, "excepthook", None),
    "standard streams": lambda: setattr(sys, "stderr", None),
    "limits of the process": _lower_a_limit,
    "umask": lambda: os.umask(0o777),
    "switch interval": lambda: sys.setswitchinterval(0.5),
    "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8" if locale.setlocale(locale.LC_ALL) == "C" else "C"),
    "numpy error handling": lambda: np.seterr(all="raise"),
    "default device of torch": lambda: torch.set_default_device("meta"),
    "default dtype of torch": lambda: torch.set_default_dtype(torch.float64),
    "threads of torch": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "deterministic algorithms of torch": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "backends of torch": lambda: setattr(torch.backends.cuda.matmul, "allow_tf32", True),
    "attention of torch": lambda: torch.backends.cuda.enable_flash_sdp(False),
    "autograd mode of torch": lambda: (torch.set_grad_enabled(False), torch.autograd.set_detect_anomaly(True)),
    "autocast of torch": lambda: torch.set_autocast_enabled("cpu", True),
    "random draws of Python": random.random,
    "random draws of numpy": np.random.rand,
    "random draws of torch": lambda: torch.rand(1, device="cpu"),
}
FOR_GOOD = {"threads between operations of torch", "inference mode of torch"}
"""What nothing brings back."""


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = process_state.read()
    yield
    process_state.restore(before)


def test_the_list_is_walked_whole() -> None:
    assert CHANGES.keys() | FOR_GOOD == PARTS.keys()


@pytest.mark.parametrize("name", CHANGES)
def test_each_part_is_restored(name: str) -> None:
    before = process_state.read()
    CHANGES[name]()
    assert not PARTS[name][0]() == before[name]  # noqa: SIM201
    process_state.restore(before)
    assert process_state.read() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda: torch.set_float32_matmul_precision("medium"),
        lambda: setattr(torch.backends, "fp32_precision", "tf32"),
        lambda: setattr(torch.backends.cudnn, "allow_tf32", False),
        lambda: setattr(torch.backends.cudnn, "benchmark", True),
        lambda: setattr(torch.backends.cudnn, "deterministic", True),
        lambda: setattr(torch.backends.mkldnn.matmul, "fp32_precision", "bf16"),
    ],
)
def test_the_precision_of_torch_is_restored_however_it_was_set(change: Callable[[], Any]) -> None:
    before = process_state.read()
    change()
    assert process_state.read() != before
    process_state.restore(before)
    assert process_state.read() == before
    assert torch.get_float32_matmul_precision() == "highest"
    assert torch.backends.cuda.matmul.allow_tf32 is False


def test_all_parts_are_restored_together_and_nothing_else_is_touched() -> None:
    before = process_state.read()
    process_state.restore(before)
    for change in CHANGES.values():
        change()
    process_state.restore(before)
    assert process_state.read() == before
    assert torch.zeros(1).device.type == "cpu"
    assert (torch.zeros(1) + 1).requires_grad is False


def test_a_logger_that_came_with_a_library_is_left_alone() -> None:
    before = process_state.read()
    logging.getLogger("came.later").setLevel(7)
    process_state.restore(before)
    assert logging.getLogger("came.later").level == 7


def test_what_cannot_be_restored_is_named() -> None:
    with torch.inference_mode():
        inside = process_state.read()
    with pytest.raises(Unrestorable, match="a trial changed the inference mode of torch of its worker process, which"):
        process_state.restore(inside)


def test_a_working_directory_that_is_gone_ends_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    before = process_state.read()
    os.chdir("/")
    gone.rmdir()
    with pytest.raises(Unrestorable, match=r"the working directory of its worker process, .*FileNotFoundError"):
        process_state.restore(before)


LEAKY = """
import os
import sys
import warnings
import torch


def leaky(config, stage):
    for _ in stage:
        double = float(torch.zeros(1).dtype is torch.float64)
        stage.report({"double": double, "argv": len(sys.argv), "home": float("LEAKY" in os.environ), "depth": cwd()})
    torch.set_default_dtype(torch.float64)
    sys.argv.append("--leaky")
    os.environ["LEAKY"] = "1"
    os.chdir("/")


def cwd():
    return float(len(os.getcwd()))
"""


@pytest.fixture
def trial(assign: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    monkeypatch.setattr("ray.tune.trainable.trainable.DEFAULT_STORAGE_PATH", str(tmp_path / "ray"))
    (tmp_path / "leaky.py").write_text(LEAKY)

    def build(number: int, **config: Any) -> dict[str, Any]:
        where = {"project": str(tmp_path), "folder": tmp_path / str(number)}
        given: dict[str, Any] = assign(task="leaky:leaky", metric="double", config=config, trial=number, **where)
        return given

    return build


def climbed(worker: StagedTrainable) -> list[dict[str, float]]:
    seen = [worker.step()]
    while not seen[-1]["done"]:
        seen.append(worker.step())
    assert seen[-1]["sieve"]["failure"] is None, seen[-1]["sieve"]["failure"]
    return [report["sieve"]["metrics"] for report in seen]


def test_two_trials_of_a_worker_are_alike(trial: Callable[..., dict[str, Any]]) -> None:
    worker = StagedTrainable(trial(1))
    first = climbed(worker)
    assert worker.reset_config(trial(2)) is True
    assert climbed(worker)[0] == first[0]
    worker.stop()


def test_a_trial_that_spoils_its_worker_for_good_ends_it(
    trial: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = StagedTrainable(trial(1))
    climbed(worker)
    monkeypatch.setitem(PARTS, "sys.argv", (PARTS["sys.argv"][0], lambda saved: None))
    with pytest.raises(Unrestorable, match=r"the sys.argv of its worker process, .*; the worker ends"):
        worker.reset_config(trial(2))
    monkeypatch.undo()
    worker.stop()
