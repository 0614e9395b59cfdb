"""What each trial gets of the GPUs, and what a sweep learns about it while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ray import tune

from service.engine.fleet.capacity import slots_of
from service.ledger.records import DecisionRecord, TrialRecord
from service.policy.cluster_share import packing
from service.policy.cluster_share.packing import GpuShare
from service.spec import Spec
from service.spec.models import AUTO
from service.spec.states import MemoryDecision

NODE = "ray.io/node-id"
"""The label by which Ray tells nodes apart."""


class GpuPacking:
    """The GPUs of each trial of a sweep.

    Trials get what the spec says or, where it says ``auto``, the share of a GPU that the peak memory of a trial needs.
    One that runs out of memory with a part of a GPU has one to itself from then on, and those that begin
    later get a larger part. All that is on record as decisions, by which a new head knows it: ``decisions`` are
    the `MemoryDecision`; their numbers hold ``gpu``, the share from then on, and what the spec ``asked`` for.
    ``measure`` finds the peak memory of a trial and ``total`` that of a GPU, in bytes; both are asked only where
    nothing is on record. While it is ``probing``, new trials go before those that are tried again: a node may be bad.
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
        self._resources = resources
        self._alone = {decision.trial for decision in decisions if decision.verdict == "alone"}
        self._given: dict[int, float] = {}
        self._waiting: set[int] = set()
        self._learned = {(decision.trial, decision.stage) for decision in decisions if decision.verdict == "learn"}
        known = [decision.numbers for decision in decisions if self._holds(decision.numbers)]
        self._told = bool(known) or spec.resources.gpu != AUTO
        self._share = GpuShare(known[-1]["gpu"], "") if known else self._first(measure, total)
        self._too_little = max((numbers.get("too_little", 0.0) for numbers in known), default=0.0)
        self._peak = max((numbers.get("peak_bytes") or 0 for numbers in known), default=0)
        self._slots = slots_of(spec, resources, self._share.gpu)
        self._avoided: Sequence[str] = ()
        self.probing = False

    @property
    def slots(self) -> int:
        """How many trials run at once, those with a GPU to themselves not considered."""
        return self._slots

    @property
    def asks(self) -> dict[str, float]:
        """What a trial occupies, all its processes together, by resource."""
        return {"CPU": self._spec.resources.cpu * self._spec.resources.processes, "GPU": self._share.gpu}

    @property
    def waits(self) -> bool:
        """Whether a trial waits for a GPU to itself: were others to begin, it might wait for ever."""
        return bool(self._waiting)

    def gpu(self, number: int) -> float:
        """The GPUs of a trial that runs."""
        return self._given.get(number, self._share.gpu)

    def request(self, number: int) -> tune.PlacementGroupFactory:
        """What Tune reserves for a trial that is about to run."""
        alone = number in self._alone and 0 < self._share.gpu < 1
        gpu = self._given[number] = 1.0 if alone else self._share.gpu
        if alone:
            self._waiting.add(number)
        asked = self._spec.resources
        if asked.processes > 1:
            # Ray Train reserves for its processes; Tune's part only leads them, but must ask for something: one byte.
            return tune.PlacementGroupFactory([{"memory": 1}])
        bundle = {"CPU": asked.cpu, "GPU": gpu}
        if not self._avoided:
            return tune.PlacementGroupFactory([bundle])
        others = f"!in({','.join(self._avoided)})"
        return tune.PlacementGroupFactory([bundle], bundle_label_selector=[{NODE: others}])

    def avoid(self, nodes: Sequence[str], resources: Mapping[str, float]) -> None:
        """Place trials on none of these ``nodes`` (Ray's ids) from now on; all others together have ``resources``.

        Raises:
            UserError: no trial would fit; nothing is changed.
        """
        self._slots = slots_of(self._spec, resources, self._share.gpu)
        self._resources, self._avoided = resources, nodes

    def started(self, number: int) -> None:
        """A trial has what it asked for."""
        self._waiting.discard(number)

    def ended(self, number: int) -> None:
        """A trial has left, whether or not it ever started."""
        self._waiting.discard(number)

    def begun(self, row: TrialRecord, time: float) -> list[DecisionRecord]:
        """What is to be put on record as a new trial begins: the share, if it is not there yet."""
        if self._told:
            return []
        self._told = True
        gpu = self._share.gpu
        part = f"with {packing.words(gpu)} of a GPU" if gpu else "without a GPU"
        return [self._decision(row, row.stage, "share", f"begins {part}: {self._share.reason}", time)]

    def exhausted(self, row: TrialRecord, time: float) -> DecisionRecord:
        """A trial ran out of memory with a part of a GPU: it has one to itself from now on, others a larger part."""
        gpu = self.gpu(row.number)
        self._alone.add(row.number)
        self._too_little = max(self._too_little, gpu)
        reason = f"ran out of memory with {packing.words(gpu)} of a GPU: it is tried again alone on one"
        if gpu >= self._share.gpu:
            self._change(packing.wider(gpu))
            fits = packing.concurrent(1, self._share.gpu)
            after = f"{packing.trials(fits)} share one" if fits > 1 else "each trial has one to itself"
            reason = f"{reason}, and {after} after it"
        return self._decision(row, row.stage, "alone", reason, time)

    def seen(self, row: TrialRecord, stage: int, memory: Mapping[str, int], time: float) -> list[DecisionRecord]:
        """A trial ended ``stage``: if it has a GPU to itself, what it took of that is the size to pack by.

        ``memory`` has the ``peak`` of the trial and the ``total`` of the GPU, both in bytes.
        """
        if row.number not in self._alone or (row.number, stage) in self._learned:
            return []
        self._peak = max(self._peak, memory["peak"])
        share = packing.share(self._peak, memory["total"], self._too_little)
        if share.gpu == self._share.gpu:
            return []
        self._learned.add((row.number, stage))
        self._change(share)
        return [self._decision(row, stage, "learn", f"was seen alone on a GPU: {share.reason}", time)]

    def _first(self, measure: Callable[[], int | None], total: Callable[[], int | None]) -> GpuShare:
        gpu = self._spec.resources.gpu
        if gpu != AUTO:
            return GpuShare(float(gpu), "")
        if not self._resources.get("GPU"):
            return GpuShare(0.0, "gpu is auto and the cluster has none, so that trials train on its CPUs")
        peak = measure()
        return packing.share(peak, None if peak is None else total())

    def _holds(self, numbers: Mapping[str, Any]) -> bool:
        """Whether a share on record is one for this spec and this cluster."""
        fits = (numbers["gpu"] > 0) == (self._resources.get("GPU", 0.0) > 0)
        return numbers["asked"] == self._spec.resources.gpu and fits

    def _change(self, share: GpuShare) -> None:
        self._share = share
        self._slots = slots_of(self._spec, self._resources, share.gpu)

    def _decision(self, row: TrialRecord, stage: int, kind: MemoryDecision, reason: str, time: float) -> DecisionRecord:
        numbers = {
            "gpu": self._share.gpu,
            "asked": self._spec.resources.gpu,
            "too_little": self._too_little,
            "peak_bytes": self._peak or None,
        }
        return DecisionRecord(row.number, stage, kind, reason, numbers, time)
