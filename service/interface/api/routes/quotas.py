"""Quotas: what each owner may have of the cluster, for admins to set."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from service.interface.api.guard.auth import Admin, Guarded
from service.interface.api.guard.plain_text import PlainText
from service.interface.api.problems import declared
from service.interface.api.service_settings import PREFIX, Here

router = APIRouter(prefix=PREFIX, tags=["cluster"], route_class=Guarded)

Owner = Annotated[
    PlainText, Path(description="a person; * is the default quota", examples=["ann"], min_length=1, max_length=64)
]


_USE: dict[str, Any] = {"owner": "ann", "running": 4, "gpu_hours": 100.0, "gpu_hours_used": 12.5}


class Bounds(BaseModel):
    """At most so many sweeps that run at once, and so many GPU hours in all; null: no limit."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"running": 4, "gpu_hours": 100.0}]})

    running: Annotated[StrictInt | None, Field(ge=0, lt=1 << 31)] = None
    gpu_hours: Annotated[float | None, Field(ge=0, strict=True, allow_inf_nan=False)] = None


class QuotaView(Bounds):
    """The quota of an owner."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"owner": "ann", "running": 4, "gpu_hours": 100.0}]})

    owner: str


class QuotaUse(QuotaView):
    """The quota of an owner, and the GPU hours that their sweeps have used; null for the owner *."""

    model_config = ConfigDict(json_schema_extra={"examples": [_USE]})

    gpu_hours_used: float | None


class QuotaList(BaseModel):
    """All quotas by owner."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_USE]}]})

    items: list[QuotaUse]


@router.get("/quotas", responses=declared(401, 403))
def list_quotas(user: Admin, here: Here) -> QuotaList:
    """All quotas that were set."""
    return QuotaList(items=[QuotaUse(**row) for row in here.store.quotas.rows()])


@router.get("/quotas/{owner}", responses=declared(401, 403, 422))
def get_quota(user: Admin, here: Here, owner: Owner) -> QuotaView:
    """The quota that holds for an owner: the one of that name, else that of *, else none."""
    quota = here.store.quotas.get(owner)
    return QuotaView(owner=owner, running=quota.running, gpu_hours=quota.gpu_hours)


@router.put("/quotas/{owner}", responses=declared(401, 403, 422))
def set_quota(user: Admin, here: Here, owner: Owner, bounds: Bounds) -> QuotaView:
    """Another quota for an owner; it holds from the daemon's next look on."""
    here.store.quotas.set(owner, bounds.running, bounds.gpu_hours)
    return QuotaView(owner=owner, running=bounds.running, gpu_hours=bounds.gpu_hours)


@router.delete("/quotas/{owner}", status_code=204, responses=declared(401, 403, 422))
def remove_quota(user: Admin, here: Here, owner: Owner) -> Response:
    """Forget the quota of an owner: that of * holds again, if there is one."""
    here.store.quotas.remove(owner)
    return Response(status_code=204)
