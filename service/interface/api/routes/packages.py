"""Code packages: a zip of the user's folder, named by its SHA-256. It is unpacked and looked at, but never run here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from service.engine.packages.package_store import Upload
from service.interface.api.guard.auth import Guarded, Submitter, Viewer
from service.interface.api.problems import Refusal, declared
from service.interface.api.service_settings import PREFIX, Here

router = APIRouter(prefix=PREFIX, tags=["packages"], route_class=Guarded)

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the zip, in hex", examples=["9f" * 32])]
_ZIP = {"required": True, "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}
_BLOCK = 1 << 20


class Kept(BaseModel):
    """A package that is here, whole."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"package": "9f" * 32}]})

    package: str


@router.head("/packages/{sha256}", response_class=Response, responses=declared(401, 404))
def has_package(user: Viewer, here: Here, sha256: Sha256) -> Response:
    """Whether a package is here."""
    if not here.packages.has(sha256):
        raise Refusal(404, f"there is no package {sha256}", "upload it with PUT")
    return Response()


@router.put(
    "/packages/{sha256}",
    status_code=201,
    responses={200: {"model": Kept, "description": "it was here"}, **declared(401, 403, 413, 422)},
    openapi_extra={"requestBody": _ZIP},
)
async def put_package(user: Submitter, here: Here, request: Request, response: Response, sha256: Sha256) -> Kept:
    """Keep a package. Refused are another hash, paths that lead out, links, and what unpacks to too much."""
    packages = here.packages
    with packages.upload(sha256) as upload:
        await _receive(request.stream(), upload)
        new = await run_in_threadpool(packages.keep, upload)
    if new:  # Unused packages are deleted when a new one comes.
        await run_in_threadpool(here.tidy)
    response.status_code = 201 if new else 200
    return Kept(package=sha256)


async def _receive(chunks: AsyncIterator[bytes], upload: Upload) -> None:
    """Write what comes in blocks, so that the event loop waits for no disk."""
    block = bytearray()
    async for chunk in chunks:
        block += chunk
        if len(block) >= _BLOCK:
            await run_in_threadpool(upload.write, bytes(block))
            block.clear()
    await run_in_threadpool(upload.write, bytes(block))
