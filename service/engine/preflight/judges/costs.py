"""Findings on what a sweep will cost."""

from __future__ import annotations

from collections.abc import Iterator

from service.engine.preflight import forecast
from service.engine.preflight.finding import Finding
from service.policy.cluster_share.request import largest, most_processes, requests
from service.spec import Spec
from trainables.probe.evidence import CostEvidence

MEGABYTE = 2**20


def costs(spec: Spec, seen: CostEvidence, slots: int, gpu: float) -> Iterator[Finding]:
    """Time and memory of the stages, and the sweep's forecast with ``slots`` trials at once on ``gpu`` GPUs each."""
    stages = ", ".join(f"stage {number} {spoken(seconds)}" for number, seconds in enumerate(seen.seconds[0]))
    where = "" if seen.device == "cpu" else f" on {seen.device}"
    what = "the process grew by" if seen.device == "cpu" else "peak memory"
    memory = f"; {what} {seen.peak_bytes / MEGABYTE:.0f} MB"
    yield Finding("ok", "stages", f"{stages} for the config in the middle{where}{memory}")
    cost = forecast.cost(spec, seen.seconds)
    wall, hours = cost.seconds / slots, gpu * cost.seconds / 3600
    words = (
        f"about {spoken(wall)} with {slots} trials at once, {hours:.3g} GPU hours, "
        f"{cost.epochs:.4g} full-data epochs; {spoken(cost.full_seconds / slots)} and {cost.full_epochs:.4g} for "
        f"training every config in full ({100 * cost.seconds / cost.full_seconds:.1f} % of its time)"
    )
    short = []
    if spec.budget.time is not None and spec.budget.time < wall:
        short.append(f"budget.time is {spoken(spec.budget.time)}")
    if spec.budget.gpu_hours is not None and spec.budget.gpu_hours < hours:
        short.append(f"budget.gpu_hours is {spec.budget.gpu_hours:g}")
    if short:
        cure = "raise it, or lower search.trials: the budget is enough for a part of the trials"
        yield Finding("warn", "forecast", f"{words}; {', '.join(short)}", cure)
    else:
        yield Finding("ok", "forecast", words)


def processes(spec: Spec) -> Iterator[Finding]:
    """The finding that one process was checked where a trial has several."""
    many = most_processes(spec)
    if many > 1:
        evidence = (
            f"a trial's {many} processes were looked at as one, which took its part of each batch: "
            f"memory and times, so GPU hours too, are those of one process that trains alone"
        )
        yield Finding("ok", "processes", evidence)


def idle_gpus(spec: Spec, gpus: float) -> Iterator[Finding]:
    """The finding that trials leave the ``gpus`` GPUs of the cluster alone, as they ask for none."""
    if gpus and not largest(requests(spec, auto=1.0)).gpu:
        evidence = f"trials ask for no GPU where the cluster has {gpus:g}: they see none and train on the CPU"
        yield Finding("warn", "gpus", evidence, "write resources: {gpu: auto}, or a number, unless the CPU is meant")


def spoken(seconds: float) -> str:
    """0.52 s, 41 s, 12 min, 3.4 h."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
