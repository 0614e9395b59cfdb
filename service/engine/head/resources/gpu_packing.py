"""The resources that each trial asks Tune for, and what a sweep learns of the GPU memory that trials need."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ray import tune

from service.engine.fleet.capacity import slots_of
from service.engine.head.resources.placement_group import placement_group
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.cluster_share import packing
from service.policy.cluster_share.packing import GpuFraction
from service.policy.cluster_share.request import Request, largest, request_at, requests
from service.spec import Spec
from service.spec.models import AUTO
from service.states import MemoryDecision


class GpuPacking:
    """The resources of each trial, as a Tune placement group.

    Trials get what the spec says of their stage or, where it says ``auto``, the fraction of a GPU that the peak memory
    of a trial needs. One that runs out of memory with a fraction of a GPU has one to itself from then on, and those
    that begin later get a larger fraction, whatever their stage. All that is on record as decisions, by which a new
    head knows it: ``decisions`` are the `MemoryDecision`; their numbers hold ``gpu``, the fraction from then on, and
    what the spec ``asked`` for. ``measure`` finds the peak memory of a trial and ``total`` that of a GPU, in bytes;
    both are asked only where nothing is on record. While it is ``probing``, new trials go before those that are tried
    again: a node may be bad.
    """

    def __init__(
        self,
        spec: Spec,
        resources: Mapping[str, float],
        decisions: Sequence[DecisionRecord],
        measure: Callable[[], int | None],
        total: Callable[[], int | None],
    ) -> None:
        self._spec = spec
        self._stages = range(len(requests(spec)))
        self._resources = resources
        self._alone = {decision.trial for decision in decisions if decision.verdict == "alone"}
        self._given: dict[int, float] = {}
        self._waiting: set[int] = set()
        self._learned = {(decision.trial, decision.stage) for decision in decisions if decision.verdict == "learn"}
        known = [decision.numbers for decision in decisions if self._holds(decision)]
        auto = any(spec.resources_at(stage).gpu == AUTO for stage in self._stages)
        self._told = bool(known) or not auto
        self._fraction: GpuFraction | None = None
        """The fraction of a GPU for each trial, where that is measured or learned."""
        if known:
            self._fraction = GpuFraction(known[-1]["gpu"], "")
        elif auto:
            self._fraction = self._measured(measure, total)
        self._too_little = max((numbers.get("too_little", 0.0) for numbers in known), default=0.0)
        self._peak = max((numbers.get("peak_bytes") or 0 for numbers in known), default=0)
        self._slots = self._fitting(resources)
        self._avoided: Sequence[str] = ()
        self.probing = False

    @property
    def slots(self) -> int:
        """How many trials run at once, those with a GPU to themselves not considered."""
        return self._slots

    @property
    def asks(self) -> dict[str, float]:
        """The resources of a trial at its largest stage, all its processes together, by resource."""
        return largest(self._at(stage) for stage in self._stages).whole

    @property
    def waits(self) -> bool:
        """Whether a trial waits for a GPU to itself: if others began, it might wait for ever."""
        return bool(self._waiting)

    def gpu(self, row: TrialRecord) -> float:
        """The GPUs of a trial that runs."""
        return self._given.get(row.number, self._at(row.stage).gpu)

    def request(self, number: int, stage: int) -> tune.PlacementGroupFactory:
        """The placement group of a trial that is about to train ``stage``.

        It keeps that where it goes on into later stages without a wait, as the worker stays the same.
        """
        asked = self._at(stage)
        alone = number in self._alone and 0 < asked.gpu < 1
        gpu = self._given[number] = 1.0 if alone else asked.gpu
        if alone:
            self._waiting.add(number)
        return placement_group(replace(asked, gpu=gpu), self._avoided)

    def crew(self, stage: int) -> dict[str, Any] | None:
        """The fields of the `Crew` that trains ``stage`` of a trial, None where one process does."""
        asked = self._at(stage)
        if asked.processes == 1:
            return None
        return {"workers": asked.processes, "cpu": asked.cpu, "gpu": asked.each["GPU"], "memory": asked.memory}

    def avoid(self, nodes: Sequence[str], resources: Mapping[str, float]) -> None:
        """Place trials on none of these ``nodes`` (Ray's ids) from now on; all others together have ``resources``.

        Raises:
            UserError: no trial would fit; nothing is changed.
        """
        self._slots = self._fitting(resources)
        self._resources, self._avoided = resources, nodes

    def started(self, number: int) -> None:
        """Note that a trial has what it asked for."""
        self._waiting.discard(number)

    def ended(self, number: int) -> None:
        """Note that a trial has left, whether or not it ever started."""
        self._waiting.discard(number)

    def begun(self, row: TrialRecord, time: float) -> list[DecisionRecord]:
        """The decisions to record as a new trial begins: that on the fraction of a GPU, if it is not on record yet."""
        if self._told or self._fraction is None:
            return []
        self._told = True
        gpu = self._fraction.gpu
        part = f"with {packing.words(gpu)} of a GPU" if gpu else "without a GPU"
        return [self._decision(row, row.stage, "share", f"begins {part}: {self._fraction.reason}", time)]

    def exhausted(self, row: TrialRecord, time: float) -> DecisionRecord:
        """Give a trial that ran out of memory with a fraction of a GPU a whole one, later ones a larger fraction."""
        gpu = self.gpu(row)
        self._alone.add(row.number)
        self._too_little = max(self._too_little, gpu)
        reason = f"ran out of memory with {packing.words(gpu)} of a GPU: it is tried again alone on one"
        if gpu >= self._at(row.stage).gpu:
            wider = packing.wider(gpu)
            self._change(wider)
            fits = packing.concurrent(1, wider.gpu)
            after = f"{packing.trials(fits)} share one" if fits > 1 else "each trial has one to itself"
            reason = f"{reason}, and {after} after it"
        return self._decision(row, row.stage, "alone", reason, time)

    def seen(self, row: TrialRecord, stage: int, memory: Mapping[str, int], time: float) -> list[DecisionRecord]:
        """Learn the size to pack by from a trial that ended ``stage`` with a GPU to itself; the decisions to record.

        ``memory`` has the ``peak`` of the trial and the ``total`` of the GPU, both in bytes.
        """
        if row.number not in self._alone or (row.number, stage) in self._learned:
            return []
        self._peak = max(self._peak, memory["peak"])
        fraction = packing.fraction(self._peak, memory["total"], self._too_little)
        if fraction.gpu == self._at(stage).gpu:
            return []
        self._learned.add((row.number, stage))
        self._change(fraction)
        return [self._decision(row, stage, "learn", f"was seen alone on a GPU: {fraction.reason}", time)]

    def _at(self, stage: int) -> Request:
        """The request of a trial at ``stage``, with the fraction of a GPU that is known to be right."""
        request = request_at(self._spec, stage, auto=0.0 if self._fraction is None else self._fraction.gpu)
        if self._fraction is None or not 0 < request.gpu < 1:
            return request
        return replace(request, gpu=self._fraction.gpu)

    def _fitting(self, resources: Mapping[str, float]) -> int:
        limit = self._spec.resources.max_concurrent
        return slots_of([self._at(stage) for stage in self._stages], resources, limit)

    def _measured(self, measure: Callable[[], int | None], total: Callable[[], int | None]) -> GpuFraction:
        if not self._resources.get("GPU"):
            return GpuFraction(0.0, "gpu is auto and the cluster has none, so that trials train on its CPUs")
        peak = measure()
        return packing.fraction(peak, None if peak is None else total())

    def _holds(self, decision: DecisionRecord) -> bool:
        """Whether a fraction on record is one for this spec and this cluster."""
        numbers = decision.numbers
        fits = (numbers["gpu"] > 0) == (self._resources.get("GPU", 0.0) > 0)
        return numbers["asked"] == self._spec.resources_at(decision.stage).gpu and fits

    def _change(self, fraction: GpuFraction) -> None:
        self._fraction = fraction
        self._slots = self._fitting(self._resources)

    def _decision(self, row: TrialRecord, stage: int, kind: MemoryDecision, reason: str, time: float) -> DecisionRecord:
        numbers = {
            "gpu": self._at(stage).gpu,
            "asked": self._spec.resources_at(stage).gpu,
            "too_little": self._too_little,
            "peak_bytes": self._peak or None,
        }
        return DecisionRecord(row.number, stage, kind, reason, numbers, time)
