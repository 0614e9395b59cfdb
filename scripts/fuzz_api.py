"""Malformed submissions and uploads against the service: none may crash it or leave half a sweep.

    scripts/fuzz_api.py --examples 100000

The suite runs some hundred of them (tests/unit/interface/api/test_fuzz.py).
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import io
import json
import sys
import tempfile
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.engine.packages import Limits
from service.interface.api.app import create_app
from service.interface.api.settings import PREFIX, Settings
from service.ledger.home import open_store
from service.ledger.status import snapshot
from service.spec import load

SPEC: dict[str, Any] = {
    "name": "fuzz",
    "task": "toy:curve",
    "metric": {"name": "score", "goal": "maximize", "target": 0.9},
    "parameters": {
        "lr": {"loguniform": [1e-4, 1.0]},
        "layers": {"choice": [[8], [8, 8]]},
        "momentum": {"uniform": [0, 1], "when": {"optimizer/name": ["sgd"]}},
        "optimizer": {"name": {"choice": ["sgd", "adam"]}, "eps": 1e-8},
        "steps": {"grid_search": [1, 2, 3]},
    },
    "stages": [{"data": 0.1, "epochs": 1}, {"data": 1.0, "epochs": 4}],
    "search": {"algorithm": "random", "trials": 6, "seed": 1, "initial": [{"lr": 0.1}], "warm_start": []},
    "schedule": {"algorithm": "asha", "reduction_factor": 3},
    "rounds": {"count": 2, "keep": 0.5, "trials": 3, "stages": [[{"data": 1.0, "epochs": 1}]]},
    "resources": {"cpu": 1, "gpu": 0.5, "max_concurrent": 2},
    "budget": {"trials": 9, "time": "2h", "gpu_hours": 1.5, "epochs": 10},
    "retries": 1,
    "checkpoints": {"keep": "all"},
    "loggers": ["csv"],
    "priority": 3,
    "weight": 2.0,
}

NASTY = [None, True, -1, 0, 1, 2**31, 2**63, 10**200, 10**400, 1e308, float("nan"), float("inf"), -0.0, 1e-320]
NASTY += ["", " ", "a\0b", "\ud800", "../x", "a" * 300, "__class__", "1e999", "toy:curve", "auto", "2h", [], {}, [[]]]
NASTY += [{"uniform": [0, 1]}, {"choice": []}, {"randint": [0, 10**30]}, {"when": {}}, {"grid_search": [{}]}]
NASTY += [{"quniform": [0, 1, 0]}, {"lograndint": [1, 2]}, {"constant": {"a": 1}}, {"qloguniform": [1e-300, 1e300, 1]}]
NAMES = [
    "a.py",
    "../a",
    "/a",
    "a/../b",
    "a\\b",
    "c:a",
    "a/b/c",
    "a",
    "a/",
    ".",
    "..",
    "\ud7ff",
    "x" * 300,
    "a\nb",
    "CON",
]

TEXT = st.text(st.characters(codec=None, categories=["L", "N", "P", "Z", "C", "S"]), max_size=12)
LEAF = st.one_of(st.sampled_from(NASTY), st.integers(), st.floats(), TEXT, st.booleans())
JSON = st.recursive(LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4))


def places(node: Any, above: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value in ``node`` but itself."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [place for key, value in inner for place in [(*above, key), *places(value, (*above, key))]]


@st.composite
def specs(draw: st.DrawFn) -> Any:
    """A valid spec with up to four things wrong, or anything at all."""
    if draw(st.integers(0, 19)) == 0:
        return draw(JSON)
    spec = copy.deepcopy(SPEC)
    for _ in range(draw(st.integers(0, 4))):
        *above, last = draw(st.sampled_from(places(spec)))
        node: Any = spec
        for key in above:
            node = node[key]
        match draw(st.integers(0, 3)):
            case 0:
                del node[last]
            case 1 if isinstance(node, dict):
                node[draw(TEXT | st.sampled_from(["when", "uniform", "choice", "a/b", "/", last]))] = copy.deepcopy(
                    draw(JSON)
                )
            case _:
                node[last] = copy.deepcopy(draw(JSON))
        if not places(spec):
            break
    return spec


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """The bytes of a submission, mostly JSON."""
    body: Any = {"spec": draw(specs()), "package": PACKAGE}
    match draw(st.integers(0, 9)):
        case 0:
            body[draw(TEXT | st.sampled_from(["package", "commit", "diff"]))] = draw(JSON)
        case 1:
            return draw(spoilt(json.dumps(body).encode()))
    return json.dumps(body).encode()


@st.composite
def spoilt(draw: st.DrawFn, whole: bytes) -> bytes:
    """Bytes with some changed, left out or put in."""
    spoilt = bytearray(whole)
    for _ in range(draw(st.integers(0, 5))):
        at = draw(st.integers(0, max(0, len(spoilt) - 1)))
        end = at + draw(st.integers(0, 8))
        spoilt[at:end] = draw(st.binary(max_size=8))
    return bytes(spoilt)


@st.composite
def zips(draw: st.DrawFn) -> bytes:
    """A zip with strange names, modes and contents, perhaps spoilt."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in draw(st.lists(st.sampled_from(NAMES) | st.text(min_size=1, max_size=9), max_size=5, unique=True)):
            entry = zipfile.ZipInfo(name.encode("utf-8", "replace").decode())
            entry.external_attr = draw(st.sampled_from([0, 0o100644, 0o120777, 0o40755, 0o20600, 2**16 - 1])) << 16
            entry.compress_type = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2]))
            content = draw(st.sampled_from([b"", b"x = 1\n", b"\0" * 50_000]))
            archive.writestr(entry, b"" if name.endswith("/") else content)
    return draw(spoilt(packed.getvalue())) if draw(st.booleans()) else packed.getvalue()


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("toy.py"), "raise SystemExit('user code ran in the service')\n")
    return packed.getvalue()


CODE = _code()
PACKAGE = hashlib.sha256(CODE).hexdigest()


@dataclass
class Service:
    """A service in ``home`` and what it has answered: how often by status."""

    home: Path

    def __post_init__(self) -> None:
        self.store = open_store(self.home, create=True)
        limits = Limits(packed=100_000, unpacked=100_000, ratio=50, small=20_000)
        made = Settings(self.store, self.home, limits=limits)
        made.packages.put(PACKAGE, iter([CODE]))
        _, secret = self.store.tokens.create("ann", "admin")
        self.client = TestClient(create_app(made), "http://localhost", headers={"Authorization": f"Bearer {secret}"})
        self.packages = self.home / "packages"
        self.statuses: dict[int, int] = {}

    def submit(self, body: bytes, key: bytes) -> None:
        """Send a submission: it makes one whole sweep, which is removed again, or none."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        response = self._checked(self.client.post(f"{PREFIX}/sweeps", content=body, headers=headers))
        sweeps = self.store.sweeps()
        assert len(sweeps) == (response.status_code == 201), (response.status_code, sweeps)
        for sweep in sweeps:
            assert load(sweep.spec).to_dict() == sweep.spec
            snapshot(sweep, [], [], time.time())
            assert self.client.get(f"{PREFIX}/sweeps/{sweep.name}").status_code == 200
            assert self.client.delete(f"{PREFIX}/sweeps/{sweep.name}").status_code == 204

    def upload(self, packed: bytes) -> None:
        """Send a package: it is here, whole and in its folder, or nothing is left of it."""
        name = hashlib.sha256(packed).hexdigest()
        before = {path.name for path in self.home.parent.iterdir()}, {path.name for path in self.packages.iterdir()}
        response = self._checked(self.client.put(f"{PREFIX}/packages/{name}", content=packed))
        new = {path.name for path in self.packages.iterdir()} - before[1]
        assert new == ({name} if response.status_code == 201 else set()), new
        assert {path.name for path in self.home.parent.iterdir()} == before[0]
        assert not any(path.is_symlink() for path in self.packages.rglob("*"))

    def _checked(self, response: Any) -> Any:
        self.statuses[response.status_code] = self.statuses.get(response.status_code, 0) + 1
        assert response.status_code < 500, response.text
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json", response.text
            assert response.json()["detail"], response.text
        return response


KEYS = st.binary(min_size=1, max_size=9).filter(lambda key: not set(key) & set(b"\r\n\0")) | st.just(b"k")


def fuzz(service: Service, examples: int, derandomize: bool = False) -> None:
    """Try so many submissions, and half as many uploads. Raises AssertionError with the smallest that goes wrong."""
    common: dict[str, Any] = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}

    def limited(count: int) -> Any:
        return settings(max_examples=count, derandomize=derandomize, **common)

    limited(examples)(given(bodies(), KEYS)(service.submit))()
    limited(examples // 2)(given(zips())(service.upload))()


ROUND = 1000
"""Examples after which one hears how it goes."""


def main() -> int:
    """Fuzz a service in a folder of its own and say how often it answered what."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=100_000)
    left, began = parser.parse_args().examples, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sieve-fuzz-") as folder:
        service = Service(Path(folder) / "home")
        while left > 0:
            fuzz(service, min(left, ROUND))
            left -= ROUND
            count, seconds = sum(service.statuses.values()), time.monotonic() - began
            print(
                f"{count} requests in {seconds:.0f} s, by status: {dict(sorted(service.statuses.items()))}", flush=True
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
