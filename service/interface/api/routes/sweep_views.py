"""Sweeps as the API shows them: without the keys of submissions, and without the spec, which has a route of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from service.ledger.records import SweepRecord
from service.ledger.results.status import Status
from service.states import SweepState, TrialState, Wish

EXAMPLE: dict[str, Any] = {
    "name": "digits",
    "task": "trainables.tasks.digits:Digits",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "owner": "ann",
    "state": "RUNNING",
    "wish": None,
    "why": "",
    "attempt": 1,
    "head": "node-1:4242:1795280000.00",
    "priority": 0,
    "weight": 1.0,
    "slots": 4,
    "running": 4,
    "wanted": 8,
    "asks": {"CPU": 1.0},
    "waits": "waiting: 4 of 8 CPUs are yours at weight 1; 4 trials of 8 may run",
    "created": 1795280000.0,
    "started": 1795280002.5,
    "claimed": 1795280002.5,
    "heartbeat": 1795280062.5,
    "finished": None,
    "seconds": 0.0,
    "simulated": False,
    "package": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "commit": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "counts": {"RUNNING": 4, "FINISHED": 2},
}

SPEC: dict[str, Any] = {
    "name": "digits",
    "task": "my_tasks:Digits",
    "metric": {"name": "val_accuracy", "goal": "maximize"},
    "parameters": {"lr": {"loguniform": [1e-4, 1.0]}},
    "stages": [{"data": 0.1, "epochs": 2}, {"data": 1.0, "epochs": 10}],
}

STATUS: dict[str, Any] = {
    "name": "digits",
    "state": "RUNNING",
    "why": "",
    "metric": "val_accuracy",
    "goal": "maximize",
    "target": None,
    "planned": 32,
    "counts": {"RUNNING": 4, "FINISHED": 2},
    "funnel": [{"stage": 0, "data": 0.1, "epochs": 2, "reached": 6, "running": 0, "finished": 6, "stopped": 0}],
    "running": [{"trial": 3, "stage": 1, "progress": 0.5, "value": 0.91}],
    "best": {"trial": 1, "stage": 1, "value": 0.97, "final": True, "epochs": None},
    "used": 24.5,
    "full": 320.0,
    "full_begun": 60.0,
    "elapsed": 60.0,
    "eta": 240.0,
    "silence": 0.4,
    "round": 0,
    "rounds": 1,
    "simulated": False,
}


class MetricView(BaseModel):
    """The value that decides, and whether more of it is better: maximize or minimize."""

    name: str
    goal: str


class SweepView(BaseModel):
    """A sweep. Times are seconds since the epoch; ``seconds`` is what its heads ran, all attempts before this summed.

    ``wish`` is what a person wants of its head (pause, stop, cancel, resume), or the daemon (yield:
    make room for a sweep of higher priority, and go on later), ``why`` the reason of its state. ``slots`` is how
    many trials it may train at once (null: as many as fit), ``running`` how many it trains, ``wanted`` how many it
    could, ``asks`` what each occupies, ``waits`` why it has not more. ``counts`` are its trials by state, ``package``
    the SHA-256 of its code.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    name: str
    task: str
    metric: MetricView
    owner: str
    state: SweepState = Field(description="QUEUED, STARTING, RUNNING, PAUSED, SUCCEEDED, STOPPED, FAILED or CANCELLED")
    wish: Wish | None
    why: str
    attempt: int
    head: str | None
    priority: int
    weight: float
    slots: int | None
    running: int | None
    wanted: int | None
    asks: dict[str, float] | None
    waits: str
    created: float
    started: float | None
    claimed: float | None
    heartbeat: float | None
    finished: float | None
    seconds: float
    simulated: bool
    package: str | None
    commit: str | None
    counts: dict[TrialState, int]

    @classmethod
    def of(cls, sweep: SweepRecord, counts: Mapping[TrialState, int], **more: Any) -> Self:
        """The view of a record."""
        shared = {f.name: getattr(sweep, f.name) for f in fields(sweep) if f.name in cls.model_fields}
        spec = {
            "task": sweep.spec["task"],
            "metric": MetricView(**{k: sweep.spec["metric"][k] for k in ("name", "goal")}),
        }
        return cls(**{**shared, **spec, "counts": dict(counts), **more})


class SweepDetail(SweepView):
    """A sweep with its ``status`` (funnel of stages, best so far, time left) and the ``diff`` of its code."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "diff": "", "status": STATUS}]})

    diff: str | None
    status: Status


class SweepPage(BaseModel):
    """Some sweeps, newest first; ``next`` is the ``before`` of the next page, null on the last."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE], "next": "digits"}]})

    items: list[SweepView]
    next: str | None
