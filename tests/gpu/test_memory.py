"""What a trial takes of a GPU's memory, and what it is kept to."""

from __future__ import annotations

import pytest
import torch

from service.policy.cluster_share import packing
from trainables.loop import gpu_memory
from trainables.worker import outcome

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

MIB = 2**20


@pytest.fixture(autouse=True)
def whole() -> None:
    gpu_memory.begin(1.0)


def test_the_peak_is_that_of_the_trial_and_begins_anew() -> None:
    tensor = torch.zeros(256 * MIB, dtype=torch.uint8, device="cuda")
    seen = gpu_memory.seen()
    assert seen is not None
    assert 256 * MIB <= seen["peak"] < 300 * MIB
    assert seen["total"] == gpu_memory.total() == torch.cuda.mem_get_info()[1]
    del tensor
    gpu_memory.begin(1.0)
    after = gpu_memory.seen()
    assert after is not None
    assert after["peak"] < 8 * MIB


def test_a_trial_that_shares_a_gpu_is_kept_to_its_part() -> None:
    total = gpu_memory.total()
    assert total is not None
    gpu_memory.begin(0.125)
    with pytest.raises(torch.OutOfMemoryError) as caught:
        torch.zeros(total // 7, dtype=torch.uint8, device="cuda")
    assert outcome.failure(caught.value)["sieve"]["failure"]["kind"] == "memory"
    gpu_memory.begin(1.0)
    torch.zeros(total // 7, dtype=torch.uint8, device="cuda")


def test_what_is_packed_fits_the_device() -> None:
    total = gpu_memory.total()
    assert total is not None
    peak = int(total * 0.2)
    gpu_memory.begin(packing.fraction(peak, total).gpu)
    torch.zeros(peak, dtype=torch.uint8, device="cuda")
