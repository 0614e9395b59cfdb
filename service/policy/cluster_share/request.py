"""What a trial asks of the cluster, stage by stage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from service.spec import Spec
from service.spec.models import AUTO


@dataclass(frozen=True)
class Request:
    """What Ray reserves for a trial: ``processes`` of ``cpu`` cores each, with ``gpu`` GPUs for all of them.

    ``memory`` is in bytes, of each process; 0: none is reserved.
    """

    cpu: float
    gpu: float
    processes: int = 1
    memory: int = 0

    @property
    def whole(self) -> dict[str, float]:
        """What all processes together occupy, by Ray's names."""
        return {"CPU": self.cpu * self.processes, "GPU": self.gpu, **self._memory(self.processes)}

    @property
    def each(self) -> dict[str, float]:
        """What one process occupies, by Ray's names."""
        return {"CPU": self.cpu, "GPU": self.gpu / self.processes, **self._memory(1)}

    def _memory(self, processes: int) -> dict[str, float]:
        return {"memory": float(self.memory * processes)} if self.memory else {}


def request_at(spec: Spec, stage: int, auto: float) -> Request:
    """What a trial asks for while it trains ``stage``; ``auto`` is the number of GPUs where the spec says ``auto``."""
    asked = spec.resources_at(stage)
    return Request(asked.cpu, auto if asked.gpu == AUTO else float(asked.gpu), asked.processes, asked.memory or 0)


def requests(spec: Spec, auto: float = 0.0) -> list[Request]:
    """The request of each stage, first to last; of the longest plan where rounds have plans of their own."""
    return [request_at(spec, stage, auto) for stage in range(max(len(plan) for plan in spec.plans))]


def largest(requests: Iterable[Request]) -> Request:
    """The request of the stage that asks for most GPUs; of equals, for most CPUs, then for most memory.

    Room that is set aside for a trial is room for this one: it may be promoted, and must find a place then.
    """
    return max(requests, key=lambda request: (request.gpu, request.whole["CPU"], request.memory))


def most_processes(spec: Spec) -> int:
    """How many processes a trial has at the stage that asks for most of them."""
    return max(request.processes for request in requests(spec))
