"""Mixed precision (``torch.autocast``, ``GradScaler``), and deterministic or fast algorithms."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor
from torch.amp.grad_scaler import GradScaler
from torch.optim import Optimizer

from trainables.errors import TaskError

_TYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """Mixed precision (Micikevicius et al., 2018): ``name`` is auto, fp32, bf16 or fp16; weights stay in fp32.

    auto is bf16 on a CUDA device that has it, else fp32. fp16 uses a ``GradScaler``, so that small gradients do not
    underflow.

    Raises:
        TaskError: fp16 without a CUDA device.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        if name == "fp16" and device.type != "cuda":
            raise TaskError(
                f"precision is 'fp16', which needs a CUDA device and this trial has {device.type}",
                "use auto, fp32 or bf16, or give the trial a GPU: `resources: {gpu: 1}`",
            )
        if name == "auto":
            name = "bf16" if device.type == "cuda" and torch.cuda.is_bf16_supported() else "fp32"
        self.name = name
        self._device = device.type
        self._type = _TYPES[name]
        self._scaler = GradScaler(device.type) if name == "fp16" else None

    def autocast(self) -> AbstractContextManager[Any]:
        """The autocast context in which to compute a loss or metrics."""
        return nullcontext() if self._type is None else torch.autocast(self._device, self._type)

    def backward(self, loss: Tensor) -> None:
        """Add the (scaled) gradient of ``loss`` to the parameters' gradients."""
        scaled = loss if self._scaler is None else self._scaler.scale(loss)
        scaled.backward()  # type: ignore[no-untyped-call]

    def unscale(self, optimizer: Optimizer) -> None:
        """Unscale the gradients, before they are clipped or penalties are added."""
        if self._scaler is not None:
            self._scaler.unscale_(optimizer)

    def step(self, optimizer: Optimizer) -> None:
        """Make a step of ``optimizer``; with fp16 none where the scaled gradient overflowed."""
        if self._scaler is None:
            optimizer.step()
        else:
            self._scaler.step(optimizer)
            self._scaler.update()

    def state_dict(self) -> dict[str, Any]:
        """The scale of fp16; empty for the others."""
        return {} if self._scaler is None else self._scaler.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue with the scale in ``state``."""
        if self._scaler is not None:
            self._scaler.load_state_dict(dict(state))


@contextmanager
def arithmetic(reproducible: bool) -> Iterator[None]:
    """Context of deterministic algorithms, or else of the fastest ones, which cuDNN finds by benchmarks.

    At its end the settings are as before, for the worker's next trial.
    """
    if reproducible:
        # Read by cuBLAS, which is deterministic only with a workspace of fixed size.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn
    benchmark, deterministic = cudnn.benchmark, cudnn.deterministic
    torch.use_deterministic_algorithms(reproducible)
    cudnn.benchmark, cudnn.deterministic = not reproducible, reproducible
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        cudnn.benchmark, cudnn.deterministic = benchmark, deterministic
