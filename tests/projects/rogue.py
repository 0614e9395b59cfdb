"""A task that misbehaves as its config says, beside trials that do not."""

from __future__ import annotations

import os
import sys
import tempfile
from typing import Any


class Mute(Exception):
    """An error whose message cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


def rogue(config: dict[str, Any], stage: Any) -> None:
    """One epoch, in which it does what `how` names."""
    for _ in stage:
        checkpoint: Any = {"epoch": 1}
        how = config["how"]
        if how == "removes its folder":
            folder = tempfile.mkdtemp()
            os.chdir(folder)
            os.rmdir(folder)
        elif how == "spoils Python":
            sys.excepthook = None  # type: ignore[assignment]
            sys.stdout = None  # type: ignore[assignment]
        elif how == "closes a descriptor":
            os.close(sys.__stdin__.fileno())
        elif how == "is mute":
            raise Mute
        elif how == "says much":
            raise ValueError("the net cannot be made\n  layers: must be a list")
        elif how == "cannot be saved":
            checkpoint = {"scale": lambda value: value}
        elif how == "prints":
            print("x" * 5_000_000)
        elif how == "reports much":
            stage.report({"score": 1.0, **{f"m{i}": float(i) for i in range(5000)}})
            continue
        stage.report({"score": 1.0}, checkpoint=checkpoint)
