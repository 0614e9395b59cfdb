"""Malformed submissions, uploads and messages of heads against the service: none may crash it or leave half a sweep.

    scripts/fuzz_api.py --examples 100000 --processes 2 --output scripts/results/fuzz.json

Every example is made of its seed, which is named where it goes wrong: --seed N --examples 1 sends it again. The suite
runs some hundred of them (tests/unit/interface/api/test_fuzz.py).
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import hashlib
import io
import json
import os
import platform
import sys
import tempfile
import time
import zipfile
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import httpx

from fuzz_made import SAYINGS, SPEC, body, flawed, package, submission
from service.engine.packages.package_store import Limits
from service.interface.api.app import create_app
from service.interface.api.service_settings import PREFIX, ServiceSettings
from service.ledger.home import open_store
from service.ledger.over_http.head_secret import digest
from service.ledger.results.status import snapshot
from service.spec import load
from service.spec.states import SWEEP_WITH_HEAD


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("toy.py"), "raise SystemExit('user code ran in the service')\n")
    return packed.getvalue()


CODE = _code()
PACKAGE = hashlib.sha256(CODE).hexdigest()
LED = "led"
"""The sweep whose head talks nonsense."""

LOOKS = ("", "/trials", "/decisions", "/stages", "/spaces", "/best", "/history", "/spec")
LONGEST = 120.0
"""Seconds of an example after which it is seen where it hangs, and all ends."""

DAILY = 100
"""Messages of a head after which its sweep begins anew."""


class Service:
    """A service in ``home`` and what it has answered, by what was sent and status."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = open_store(home, create=True)
        made = ServiceSettings(
            self.store, home, limits=Limits(packed=100_000, unpacked=100_000, ratio=50, small=20_000)
        )
        made.packages.put(PACKAGE, iter([CODE]))
        _, secret = self.store.tokens.create("ann", "admin")
        self.packages = home / "packages"
        self.statuses: Counter[str] = Counter()
        self._loop = asyncio.Runner()
        self._token = {"Authorization": f"Bearer {secret}"}
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(create_app(made)), base_url="http://localhost")
        self._heard = 0

    def ask(self, method: str, path: str, headers: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        """What the service answers ann."""
        asked = self._client.request(method, PREFIX + path, headers=self._token | (headers or {}), **more)
        return self._loop.run(asked)

    def submit(self, random: Random) -> None:
        """Send a submission: it makes one whole sweep, which can be seen and is removed again, or none."""
        content, key = submission(random, PACKAGE), bytes(random.choice(b"abcdefgh\xe9 ") for _ in range(3)).strip()
        headers = {"Content-Type": "application/json", "Idempotency-Key": key or b"k"}
        response = self._checked("submission", self.ask("POST", "/sweeps", headers, content=content))
        sweeps = [sweep for sweep in self.store.sweeps() if sweep.name != LED]
        assert len(sweeps) == (response.status_code == 201), (response.status_code, sweeps)
        for sweep in sweeps:
            assert load(sweep.spec).to_dict() == sweep.spec
            snapshot(sweep, [], [], time.time())
            self._checked("same again", self.ask("POST", "/sweeps", headers, content=content), 200)
            self._checked("look", self.ask("GET", f"/sweeps/{sweep.name}{random.choice(LOOKS)}"), 200)
            wish = {"wish": random.choice(["pause", "stop", "cancel", "resume", "", 7])}
            self._checked("wish", self.ask("POST", f"/sweeps/{sweep.name}/wish", json=wish))
            self._checked("remove", self.ask("DELETE", f"/sweeps/{sweep.name}"), 204)

    def upload(self, random: Random) -> None:
        """Send a package: it is here, whole and in its folder, or nothing is left of it."""
        packed = package(random)
        name = hashlib.sha256(packed).hexdigest()
        before = {path.name for path in self.home.parent.iterdir()}, {path.name for path in self.packages.iterdir()}
        response = self._checked("package", self.ask("PUT", f"/packages/{name}", content=packed))
        new = {path.name for path in self.packages.iterdir()} - before[1]
        assert new == ({name} if response.status_code == 201 else set()), new
        assert {path.name for path in self.home.parent.iterdir()} == before[0]
        for path in (self.packages / name).rglob("*") if new else ():
            assert path.is_file() or path.is_dir(), path
            assert not path.is_symlink(), path

    def say(self, random: Random) -> None:
        """Say something as the head of a sweep, which people can still look at afterwards."""
        if not self._heard % DAILY:
            self._lead()
        self._heard += 1
        kind = random.choice(["append", "append", "beat", "end"])
        content = body(random, flawed(random, SAYINGS[kind]))
        said = self.ask("POST", f"/heads/{LED}/{self._attempt}/{kind}", self._head, content=content)
        self._checked("head", said)
        if said.status_code == 200:
            form = random.choice(["application/json", "text/csv", "application/vnd.apache.arrow.stream"])
            look = self.ask("GET", f"/sweeps/{LED}{random.choice(LOOKS)}", {"Accept": form})
            self._checked("look", look, 200)
            self._checked("look", self.ask("GET", random.choice(["/sweeps", "/queue"])), 200)

    def _lead(self) -> None:
        """A sweep that is new, with a head."""
        if self._heard:
            sweep = self.store.sweep(LED)
            if sweep.state in SWEEP_WITH_HEAD:
                self.store.end(LED, sweep.attempt, "CANCELLED", "")
            self.store.remove(LED, lambda _: True)
        self.ask("POST", "/sweeps", json={"spec": SPEC | {"name": LED}, "package": PACKAGE})
        self._attempt = self.store.claim(LED, "head", lambda _: False).attempt
        self.store.heads.launched(LED, self._attempt, None, digest("ticket"))
        enrolled = self.ask("POST", f"/heads/{LED}/{self._attempt}/enroll", json={"ticket": "ticket"})
        self._head = {"Authorization": f"Bearer {enrolled.json()['token']}"}

    def _checked(self, what: str, response: httpx.Response, wanted: int | None = None) -> httpx.Response:
        self.statuses[f"{what} {response.status_code}"] += 1
        assert response.status_code < 500, response.text
        assert wanted in (None, response.status_code), (response.status_code, response.text)
        if response.status_code >= 400:
            assert response.headers["content-type"] == "application/problem+json", response.text
            assert response.json()["detail"], response.text
        return response


def fuzz(service: Service, seeds: range) -> None:
    """Try an example for each seed, six of ten of them submissions. Raises AssertionError that names the seed."""
    for seed in seeds:
        faulthandler.dump_traceback_later(LONGEST, exit=True)
        random = Random(seed)
        act = random.choices([service.submit, service.upload, service.say], [6, 2, 2])[0]
        try:
            act(random)
        except Exception as error:
            raise AssertionError(f"example {seed} goes wrong: {error}") from error
        finally:
            faulthandler.cancel_dump_traceback_later()


def part(seeds: range) -> Counter[str]:
    """Fuzz a service in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="sieve-fuzz-") as folder:
        service = Service(Path(folder) / "home")
        fuzz(service, seeds)
        return service.statuses


ROUND = 1000
"""Examples after which one hears how it goes, and which share a service."""


def main() -> int:
    """Fuzz, and say how often what was answered."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first example; the next has the next number")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--output", type=Path, help="a file for the figures")
    told, began, statuses = parser.parse_args(), time.monotonic(), Counter[str]()
    end = told.seed + told.examples
    rounds = [range(first, min(first + ROUND, end)) for first in range(told.seed, end, ROUND)]
    with ProcessPoolExecutor(told.processes) as pool:
        for number, counted in enumerate(pool.map(part, rounds), 1):
            statuses += counted
            seconds = time.monotonic() - began
            print(f"{number * ROUND} examples, {statuses.total()} requests in {seconds:.0f} s", flush=True)
    figures = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}",
        "examples": told.examples,
        "seeds": [told.seed, end - 1],
        "processes": told.processes,
        "seconds": round(time.monotonic() - began, 1),
        "requests": statuses.total(),
        "answers": dict(sorted(statuses.items())),
    }
    print(json.dumps(figures, indent=1))
    if told.output is not None:
        told.output.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
