"""The checkpoint file: whole or not there, and a full disk is said to be one."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch

from trainables.errors import CheckpointError
from trainables.worker import checkpoint


def test_what_was_written_is_read_and_replaced(tmp_path: Path):
    folder = tmp_path / "new" / "1"
    assert checkpoint.read(folder) is None
    checkpoint.write(folder, {"weights": torch.ones(3)})
    path = checkpoint.write(folder, {"weights": torch.zeros(3), "epoch": 2})
    assert path == folder / "latest.pt"
    state = checkpoint.read(folder)
    assert state is not None
    assert state["epoch"] == 2
    assert torch.equal(state["weights"], torch.zeros(3))
    assert os.listdir(folder) == ["latest.pt"]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 half a file", b"text"])
def test_a_broken_file_is_refused_with_the_cure(tmp_path: Path, content: bytes):
    (tmp_path / "latest.pt").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"cannot read checkpoint .*latest.pt: .*; remove the sweep"):
        checkpoint.read(tmp_path)


def test_a_truncated_file_is_refused(tmp_path: Path):
    path = checkpoint.write(tmp_path, {"weights": torch.ones(1000)})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="cannot read checkpoint"):
        checkpoint.read(tmp_path)


def test_another_file_of_torch_is_refused(tmp_path: Path):
    torch.save([1, 2], tmp_path / "latest.pt")
    with pytest.raises(CheckpointError, match="holds a list, not a checkpoint"):
        checkpoint.read(tmp_path)


def test_a_failed_write_keeps_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    checkpoint.write(tmp_path, {"epoch": 1})

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left on device; free some space"):
        checkpoint.write(tmp_path, {"epoch": 2})
    monkeypatch.undo()
    assert checkpoint.read(tmp_path) == {"epoch": 1}
    assert os.listdir(tmp_path) == ["latest.pt"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match=r"cannot write checkpoint .*file/1/latest.pt: Not a directory"):
        checkpoint.write(tmp_path / "file" / "1", {})
