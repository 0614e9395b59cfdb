"""What a trial may change of torch, numpy and their draws for its whole process."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

MATMUL = "float32_matmul_precision"
"""Torch's older word for some of the flags."""

BACKENDS = (
    "fp32_precision",
    "cuda.matmul.fp32_precision",
    "cudnn.conv.fp32_precision",
    "cudnn.rnn.fp32_precision",
    "mkldnn.matmul.fp32_precision",
    "mkldnn.conv.fp32_precision",
    "mkldnn.rnn.fp32_precision",
    "cuda.matmul.allow_fp16_reduced_precision_reduction",
    "cuda.matmul.allow_bf16_reduced_precision_reduction",
    "cudnn.enabled",
    "cudnn.benchmark",
    "cudnn.benchmark_limit",
    "cudnn.deterministic",
)
"""Flags of ``torch.backends``; those that this version of torch has not are left aside."""


def _write_errors(saved: dict[str, Any]) -> None:
    np.seterr(**saved)


def _numpy_draws() -> tuple[Any, ...]:
    name, keys, *others = np.random.get_state(legacy=True)
    return name, keys.tobytes(), *others  # type: ignore[union-attr]


def _write_numpy_draws(saved: tuple[Any, ...]) -> None:
    name, keys, *others = saved
    np.random.set_state((name, np.frombuffer(keys, dtype=np.uint32), *others))


def _write_torch_draws(saved: bytes) -> None:
    torch.set_rng_state(torch.frombuffer(bytearray(saved), dtype=torch.uint8))


def _write_device(saved: str) -> None:
    torch.set_default_device(None if saved == "cpu" else saved)


def _matmul() -> str:
    try:
        return torch.get_float32_matmul_precision()
    except RuntimeError:  # The flags below were set in a way that it has no word for.
        return ""


def _backends() -> dict[str, Any]:
    there = [(name, *_flag(name)) for name in BACKENDS]
    return {MATMUL: _matmul()} | {name: getattr(at, flag) for name, at, flag in there if hasattr(at, flag)}


def _write_backends(saved: Mapping[str, Any]) -> None:
    if saved[MATMUL]:
        torch.set_float32_matmul_precision(saved[MATMUL])
    for name in (name for name in BACKENDS if name in saved):  # Those of all operations first.
        owner, flag = _flag(name)
        if getattr(owner, flag) != saved[name]:
            setattr(owner, flag, saved[name])


def _flag(name: str) -> tuple[Any, str]:
    *path, flag = name.split(".")
    return functools.reduce(getattr, path, torch.backends), flag


def _attention() -> tuple[bool, ...]:
    backends = torch.backends.cuda
    return (
        backends.flash_sdp_enabled(),  # type: ignore[no-untyped-call]
        backends.mem_efficient_sdp_enabled(),  # type: ignore[no-untyped-call]
        backends.math_sdp_enabled(),  # type: ignore[no-untyped-call]
        backends.cudnn_sdp_enabled(),  # type: ignore[no-untyped-call]
    )


def _write_attention(saved: tuple[bool, ...]) -> None:
    backends = torch.backends.cuda
    switches = (backends.enable_flash_sdp, backends.enable_mem_efficient_sdp, backends.enable_math_sdp)
    for switch, value in zip((*switches, backends.enable_cudnn_sdp), saved, strict=True):
        switch(value)


def _write_autograd(saved: tuple[bool, bool, bool]) -> None:
    enabled, anomalies, check_nan = saved
    torch.set_grad_enabled(enabled)
    torch.autograd.set_detect_anomaly(anomalies, check_nan)


def _autograd() -> tuple[bool, bool, bool]:
    return torch.is_grad_enabled(), torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()


def _write_nothing(_saved: Any) -> None:
    """There is no way."""


TORCH_PARTS: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {
    "numpy error handling": (np.geterr, _write_errors),
    "default device of torch": (lambda: str(torch.get_default_device()), _write_device),
    "default dtype of torch": (torch.get_default_dtype, torch.set_default_dtype),
    "threads of torch": (torch.get_num_threads, torch.set_num_threads),
    "threads between operations of torch": (torch.get_num_interop_threads, torch.set_num_interop_threads),
    "deterministic algorithms of torch": (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    "backends of torch": (_backends, _write_backends),
    "attention of torch": (_attention, _write_attention),
    "autograd mode of torch": (_autograd, _write_autograd),
    "inference mode of torch": (torch.is_inference_mode_enabled, _write_nothing),
    "autocast of torch": (
        lambda: torch.is_autocast_enabled("cpu"),
        lambda saved: torch.set_autocast_enabled("cpu", saved),
    ),
    "random draws of Python": (random.getstate, random.setstate),
    "random draws of numpy": (_numpy_draws, _write_numpy_draws),
    "random draws of torch": (lambda: torch.get_rng_state().numpy().tobytes(), _write_torch_draws),
}
"""What reads each part, as a value that can be compared, and what brings that value back."""
