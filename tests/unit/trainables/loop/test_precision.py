"""Precision: what it computes in, and where it cannot."""

from __future__ import annotations

import pytest
import torch

from trainables.errors import TaskError
from trainables.loop.precision import Precision, arithmetic

CPU = torch.device("cpu")


@pytest.mark.parametrize(("name", "kind"), [("auto", torch.float32), ("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_are_computed_in_the_type_asked_for(name, kind):
    with Precision(name, CPU).autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == kind


def test_half_precision_needs_a_gpu():
    with pytest.raises(TaskError, match=r"precision is 'fp16', which needs a CUDA device .*; use auto, fp32 or bf16"):
        Precision("fp16", CPU)


def test_arithmetic_is_restored_even_after_an_error():
    before = torch.backends.cudnn.benchmark
    with arithmetic(reproducible=True):
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cudnn.deterministic
    with pytest.raises(KeyError), arithmetic(reproducible=True):
        raise KeyError
    with arithmetic(reproducible=False):
        assert torch.backends.cudnn.benchmark
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.backends.cudnn.benchmark is before
