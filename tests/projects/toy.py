"""Tasks that tests run: quick, and each able to misbehave as its config says."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import ray
import torch
from torch import nn

from trainables.data import Data
from trainables.task import Task


def curve(config: dict[str, Any], stage: Any) -> None:
    """A learning curve that needs no data: `x` is the quality; notes every epoch it trains in the file ``TOY_LOG``.

    Where the config names a file as its `gate`, only the first epoch is trained before that is there.
    """
    state = stage.checkpoint or {"epochs": 0}
    for epoch in stage:
        time.sleep(config.get("sleep", 0.0))
        while state["epochs"] and not Path(config.get("gate", "/")).exists():
            time.sleep(0.05)
        state["epochs"] += 1
        log = os.environ.get("TOY_LOG")
        if log:
            with Path(log).open("a") as out:
                out.write(f"{config['x']!r} {stage.index} {epoch} {os.getpid()}\n")
        score = config["x"] * (1 - 0.5 ** state["epochs"])
        stage.report({"score": score, "pid": os.getpid()}, checkpoint=state)


def diverges(config: dict[str, Any], stage: Any) -> None:
    """Not a number for the upper half of `x`."""
    for _ in stage:
        stage.report({"score": math.nan if config["x"] > 0.5 else config["x"]})


def seldom(config: dict[str, Any], stage: Any) -> None:
    """Reports its score at the end of each stage alone; not at all for the upper half of `x`."""
    for epoch in stage:
        known = epoch + 1 == stage.epochs and config["x"] <= 0.5
        stage.report({"epoch_seen": epoch} | ({"score": config["x"]} if known else {}))


def breaks_once(config: dict[str, Any], stage: Any) -> None:
    """Raises in the first attempt at the first trial that comes by."""
    for _ in stage:
        flag = Path(config["flag"])
        if not flag.exists():
            flag.touch()
            if config.get("die"):
                os._exit(3)
            raise RuntimeError("the first attempt breaks")
        stage.report({"score": config["x"]})


def dies_above(config: dict[str, Any], stage: Any) -> None:
    """Ends its process for the upper half of `x`."""
    for _ in stage:
        if config["x"] > 0.5:
            os._exit(3)
        stage.report({"score": config["x"]})


def hangs_once(config: dict[str, Any], stage: Any) -> None:
    """Waits for ever at the first attempt with the upper half of `x`, after a report."""
    for epoch in stage:
        flag = Path(config["flag"])
        if stage.index == 1 and config["x"] > 0.5 and not flag.exists():
            flag.touch()
            time.sleep(10_000)
        stage.report({"score": config["x"] + epoch})


def named(config: dict[str, Any], stage: Any) -> None:
    """Reports a metric of the name that the config gives."""
    for _ in stage:
        stage.report({"score": config["x"], config["name"]: 1.0})


def always_breaks(config: dict[str, Any], stage: Any) -> None:
    """Raises before any report."""
    raise RuntimeError("nothing works")


def hungry(config: dict[str, Any], stage: Any) -> None:
    """Runs out of memory where it has a smaller part of a GPU than ``needs``; reports the part that it has."""
    gpu = ray.get_runtime_context().get_assigned_resources().get("GPU", 0.0)
    if gpu < config["needs"]:
        raise torch.OutOfMemoryError(f"CUDA out of memory with {gpu:g} of it")
    for _ in stage:
        stage.report({"score": config["needs"], "gpu": gpu})


class Blobs(Task):
    """Two Gaussian blobs and a linear model."""

    def data(self) -> Data:
        generator = np.random.default_rng(0)
        labels = np.arange(400) % 2
        points = (generator.normal(size=(400, 2)) + 2 * labels[:, None]).astype("float32")
        return Data((points[:300], labels[:300]), (points[300:], labels[300:]))

    def model(self, config: Any) -> nn.Module:
        return nn.Linear(2, 2, dtype=torch.float32)


class Apart(Blobs):
    """Blobs whose second process, in the second epoch of each attempt, kills its trial, and the next time breaks."""

    steps = 0

    def loss(self, model: nn.Module, batch: Any, config: Any) -> torch.Tensor:
        self.steps += 1
        if self.steps == 11 and torch.distributed.is_initialized() and torch.distributed.get_rank() == 1:
            if Path(config["flag"]).exists():
                raise RuntimeError("the second process breaks")
            Path(config["flag"]).touch()
            for process in psutil.Process().parent().children():
                if " ".join(process.cmdline()).startswith("ray::_Inner.train"):  # Tune's subclass of the trainable.
                    process.kill()
        return super().loss(model, batch, config)


class LoadedOnce(Blobs):
    """Blobs that count how often they are loaded, where only the head can."""

    def data(self) -> Data:
        with Path(os.environ["TOY_LOADS"]).open("a") as out:
            out.write("loaded\n")
        return super().data()


class NotATask:
    """A class that is no task."""


def bad_place(config: dict[str, Any], stage: Any) -> None:
    """Breaks, each time in other words, on the node whose id is in the file ``bad``, or dies there for ``die``."""
    here = ray.get_runtime_context().get_node_id()
    file = Path(config["bad"])
    if not file.exists():
        file.write_text(here)
    if file.read_text() == here:
        if config.get("die"):
            os._exit(3)
        raise RuntimeError(f"no CUDA device at 0x{os.getpid():x} for {config['x']}")
    for _ in stage:
        time.sleep(config.get("sleep", 0.0))
        stage.report({"score": config["x"]})
