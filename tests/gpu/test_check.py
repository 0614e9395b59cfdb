"""The check on a CUDA device: what a trial takes of its memory."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from service.engine.preflight import examination
from tests.unit.engine.preflight.test_examination import PROJECT, spec_of
from trainables.probe import measure

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_a_sound_task_is_found_sound_and_its_memory_is_measured() -> None:
    spec = spec_of()
    question = examination.question(spec, str(Path(PROJECT)), seconds=60)
    evidence = measure.thorough(question)
    assert not [finding for finding in examination.judge(spec, evidence) if finding.level == "fail"]
    assert evidence.costs is not None
    assert evidence.costs.peak_bytes > 0
    most = measure.peak(question)
    assert most is not None
    assert most >= evidence.costs.peak_bytes / 2
