"""The checkpoint file of a trial, replaced atomically."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch

from trainables.errors import CheckpointError

NAME = "latest.pt"


def write(folder: Path, state: dict[str, Any]) -> Path:
    """Replace the checkpoint in ``folder`` (made if missing) by ``state``, synced to disk, and return its path.

    Raises:
        CheckpointError: the folder cannot be written or the disk is full. The old checkpoint is kept.
    """
    # Serialized in memory first, as torch's own writer raises a RuntimeError on a full disk.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    target, partial = folder / NAME, folder / f".{NAME}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
        _sync(folder)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise CheckpointError(
            f"cannot write checkpoint {target}: {error.strerror or error}",
            "free some space or make the folder writable, then run the sweep again",
        ) from error
    return target


def read(folder: Path) -> dict[str, Any] | None:
    """The state last written to ``folder``, its tensors on the CPU; None if there is none.

    Raises:
        CheckpointError: the file is not a whole checkpoint.
    """
    path = folder / NAME
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:
        raise CheckpointError(
            f"cannot read checkpoint {path}: {error}", "remove the sweep and run it again, or restore the file"
        ) from error
    if not isinstance(state, dict):
        raise CheckpointError(f"{path} holds a {type(state).__name__}, not a checkpoint", "restore the file")
    return state


def _sync(folder: Path) -> None:
    # A rename is durable only once its folder is.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
