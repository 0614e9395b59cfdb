"""A small service with the routes that the client asks for, on a real ledger: what there is where none else is."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from service.interface.source.local import Local
from service.ledger import arrow
from service.ledger.errors import NameInUse, UnknownSweep
from service.ledger.home import open_store
from service.ledger.records import SweepRecord
from service.ledger.status import HEADED
from service.spec import load
from service.spec.errors import SieveError, SpecError, UserError

TOKEN = "the-secret"
LOG = ("the head began", "trial 1 goes on")


class Service:
    """The answers; every sweep with a head is taken to live."""

    def __init__(self, home: Path) -> None:
        self.local = Local(home)
        self.packages = home / "packages"
        self.packages.mkdir(parents=True, exist_ok=True)
        self.keys: dict[str, str] = {}

    @property
    def store(self) -> Any:
        return open_store(self.local.home, create=True)

    def page(self, request: Request) -> Any:
        newest = list(reversed(self.store.sweeps()))
        before, limit = request.query_params.get("before"), int(request.query_params["limit"])
        names = [record.name for record in newest]
        begin = names.index(before) + 1 if before else 0
        shown = newest[begin : begin + limit]
        after = shown[-1].name if len(newest) > begin + limit else None
        return {"items": [self.view(record) for record in shown], "next": after}

    def view(self, record: SweepRecord) -> dict[str, Any]:
        status = asdict(self.local.status(record.name))
        spec = {"task": record.spec["task"], "metric": record.spec["metric"]}
        hidden = {key: value for key, value in asdict(record).items() if key not in ("spec", "key")}
        return {**hidden, **spec, "counts": status["counts"], "status": status}

    def sweep(self, request: Request) -> Any:
        return self.view(self.store.sweep(request.path_params["name"]))

    def spec(self, request: Request) -> Any:
        return self.store.sweep(request.path_params["name"]).spec

    async def submit(self, request: Request) -> Response:
        raw, key = await request.json(), request.headers["idempotency-key"]
        if not self.file(raw["package"]).exists():
            raise UserError(f"there is no package {raw['package']}", "upload it first")
        spec = load(raw["spec"])
        known = self.keys.get(key)
        if known is None:
            record = SweepRecord(spec.name, spec.to_dict(), ".", "ann", "QUEUED", time.time(), package=raw["package"])
            self.store.add(replace(record, commit=raw["commit"], diff=raw["diff"], key=key))
            self.keys[key] = spec.name
        return JSONResponse(self.view(self.store.sweep(spec.name)) | {"warnings": []}, 200 if known else 201)

    async def wish(self, request: Request) -> Response:
        name, wish = request.path_params["name"], (await request.json())["wish"]
        record = self.store.sweep(name)
        if record.state in HEADED and wish != "resume":
            self.store.wish(name, wish)
        else:
            self.local.wish(name, wish)
        return JSONResponse(self.view(self.store.sweep(name)), 202)

    async def extend(self, request: Request) -> Response:
        self.local.extend(request.path_params["name"], (await request.json())["trials"])
        return JSONResponse(self.sweep(request))

    async def change(self, request: Request) -> Response:
        self.store.update(request.path_params["name"], **await request.json())
        return JSONResponse(self.sweep(request))

    def remove(self, request: Request) -> Response:
        self.local.remove(request.path_params["name"])
        return Response(status_code=204)

    def table(self, request: Request) -> Response:
        name, table = request.path_params["name"], request.path_params["table"]
        n = int(request.query_params.get("n", 1))
        if request.headers["accept"] == arrow.STREAM:
            sink = io.BytesIO()
            arrow.write(self.local.frame(name, table, n), sink)
            return Response(sink.getvalue(), media_type=arrow.STREAM)
        return JSONResponse({"items": self.local.rows(name, table, n)})

    def has(self, request: Request) -> Response:
        return Response(status_code=200 if self.file(request.path_params["sha256"]).exists() else 404)

    async def keep(self, request: Request) -> Response:
        self.file(request.path_params["sha256"]).write_bytes(await request.body())
        return JSONResponse({"package": request.path_params["sha256"]}, 201)

    def file(self, sha256: str) -> Path:
        return (self.packages / sha256).with_suffix(".zip")

    def logs(self, request: Request) -> Response:
        self.store.sweep(request.path_params["name"])
        return PlainTextResponse("".join(f"{line}\n" for line in LOG))

    def events(self, request: Request) -> Response:
        happening = self.local.events(request.query_params["sweep"])
        texts = (f"event: {e.kind}\nid: {e.id or 0}\ndata: {json.dumps(e.data)}\n\n" for e in happening)
        return StreamingResponse(texts, media_type="text/event-stream")


def create_app(home: Path) -> Starlette:
    """The service of the ledger in ``home``; who asks needs `TOKEN`."""
    service = Service(home)
    queue: Callable[[Request], Any] = lambda _: {"items": service.local.queue()}  # noqa: E731
    plain = {
        "/sweeps": service.page,
        "/queue": queue,
        "/sweeps/{name}": service.sweep,
        "/sweeps/{name}/spec": service.spec,
    }
    routes = [
        *(_route(path, answer, "GET") for path, answer in plain.items()),
        _route("/sweeps", service.submit, "POST"),
        _route("/sweeps/{name}", service.change, "PATCH"),
        _route("/sweeps/{name}", service.remove, "DELETE"),
        _route("/sweeps/{name}/wish", service.wish, "POST"),
        _route("/sweeps/{name}/extend", service.extend, "POST"),
        _route("/sweeps/{name}/logs", service.logs, "GET"),
        _route("/sweeps/{name}/{table}", service.table, "GET"),
        _route("/packages/{sha256}", service.has, "HEAD"),
        _route("/packages/{sha256}", service.keep, "PUT"),
        _route("/events", service.events, "GET"),
    ]
    app = Starlette(routes=routes, exception_handlers={SieveError: _problem})
    app.state.service = service
    return app


def _route(path: str, answer: Callable[[Request], Any], method: str) -> Route:
    async def guarded(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return _document(401, "unauthorized", "this token is not known", "make one with: sieve token create")
        made = answer(request)
        made = await made if hasattr(made, "__await__") else made
        return made if isinstance(made, Response) else JSONResponse(made)

    return Route(f"/api/v1{path}", guarded, methods=[method])


def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, SieveError)
    status = 404 if isinstance(error, UnknownSweep) else 409 if isinstance(error, NameInUse) else 422
    violations = [asdict(one) for one in error.violations] if isinstance(error, SpecError) else None
    words = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in type(error).__name__)
    return _document(status, words[1:], error.message, error.cure, violations)


def _document(status: int, kind: str, detail: str, cure: str, violations: Any = None) -> Response:
    document = {"type": f"urn:sieve:problem:{kind}", "title": kind, "status": status, "detail": detail, "cure": cure}
    return JSONResponse(document | ({"violations": violations} if violations else {}), status)
