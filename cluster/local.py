"""A local Ray cluster of several nodes on one machine, for development and tests; its GPUs need not exist."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

from cluster import grafana, secrets
from cluster.command import ray_command
from cluster.errors import ClusterError
from cluster.inventory import nodes as ask
from cluster.processes import LocalNode
from cluster.ray_internals.undocumented_switches import START_FEW
from cluster.switches import SWITCHES
from cluster.token import MODE, make_token

STATE = "cluster.json"
OBJECT_STORE = 100_000_000
"""Bytes of each node's object store; Ray's minimum is 75 MiB."""

LONGEST = 20
"""Most characters of the temporary folder's path, so that Ray's socket paths below it are not too long."""

PATIENCE = 120.0
"""Timeout of the start of the nodes, in seconds."""


@dataclass(frozen=True)
class Size:
    """Resources of each node: CPUs, GPUs (that need not exist), bytes of object store."""

    cpus: int
    gpus: int
    object_store: int = OBJECT_STORE


@dataclass(frozen=True)
class _State:
    address: str
    dashboard: str | None
    size: Size
    temp: str
    nodes: tuple[LocalNode, ...]


class LocalCluster:
    """A cluster on this machine, described by a file in ``folder``, so that any process can inspect and stop it.

    ``address`` (host:port) is for RAY_ADDRESS; ``dashboard`` is its HTTP address, which takes jobs, or None. Node 0 is
    the head. Ray's own files are in a short folder under the temporary one, removed when the cluster stops; the output
    of each node is in ``folder``.
    """

    def __init__(self, folder: Path, state: _State) -> None:
        self.folder = folder
        self._state = state

    @classmethod
    def start(
        cls,
        nodes: int,
        cpus: int,
        gpus: int,
        folder: Path,
        dashboard: bool = True,
        object_store: int = OBJECT_STORE,
    ) -> LocalCluster:
        """Start ``nodes`` nodes with ``cpus`` and ``gpus`` each; returns when all have joined.

        Raises:
            ClusterError: a cluster of this folder runs already, or a node does not start.
        """
        if (folder / STATE).exists() and any(node.alive for node in _read(folder).nodes):
            raise ClusterError(f"a cluster of {folder} runs already", "stop it first, with: sieve cluster stop")
        folder.mkdir(parents=True, exist_ok=True)
        make_token()
        port, board, client = _free_ports(3)
        temp = _short_folder()
        address = f"{_host()}:{port}"
        state = _State(
            address, f"http://127.0.0.1:{board}" if dashboard else None, Size(cpus, gpus, object_store), temp, ()
        )
        made = cls(folder, state)
        made._write()
        head = ["--head", f"--port={port}", f"--ray-client-server-port={client}"]
        head += [f"--include-dashboard={str(dashboard).lower()}", f"--dashboard-port={board}"]
        try:
            made._spawn(head)
            for _ in range(nodes - 1):
                made._spawn([f"--address={address}"])
            made._wait()
        except BaseException:
            made.stop()
            raise
        if dashboard:
            grafana.install(Path(temp) / "0")
        return made

    @classmethod
    def of(cls, folder: Path) -> LocalCluster:
        """The running cluster of this folder, started by any process.

        Raises:
            ClusterError: none runs.
        """
        if not (folder / STATE).exists():
            raise ClusterError(f"no cluster was started in {folder}", "start one with: sieve cluster local")
        return cls(folder, _read(folder))

    @property
    def address(self) -> str:
        """The address of its head, host:port."""
        return self._state.address

    @property
    def dashboard(self) -> str | None:
        """The HTTP address of its dashboard; None without one."""
        return self._state.dashboard

    @property
    def nodes(self) -> Sequence[LocalNode]:
        """Its nodes by number, killed ones and those that another process has added included."""
        if (self.folder / STATE).exists():
            self._state = _read(self.folder)
        return self._state.nodes

    def add(self) -> int:
        """Add a node of the same size; returns its number when it has joined.

        Raises:
            ClusterError: the head is gone, or the node does not start.
        """
        if not self.nodes[0].alive:
            raise ClusterError("the head of the cluster is gone", "stop the rest with: sieve cluster stop")
        node = self._spawn([f"--address={self.address}"])
        self._wait()
        return node.number

    def kill(self, number: int) -> None:
        """Kill all processes of a node at once (SIGKILL), like a lost machine; the cluster notices within seconds.

        Raises:
            ClusterError: no node of this number runs.
        """
        running = {node.number: node for node in self.nodes if node.alive}
        if number not in running:
            known = ", ".join(map(str, running)) or "none"
            raise ClusterError(f"node {number} does not run", f"there are {known}")
        running[number].kill()

    def stop(self) -> None:
        """End every node and remove its files. Only processes that this cluster started are ended."""
        for node in reversed(self.nodes):
            node.kill()
        shutil.rmtree(self._state.temp, ignore_errors=True)
        (self.folder / STATE).unlink(missing_ok=True)

    def _spawn(self, place: Sequence[str]) -> LocalNode:
        number, size = len(self.nodes), self._state.size
        temp = Path(self._state.temp) / str(number)
        ports = ["--dashboard-agent-listen-port=0", "--min-worker-port=0", "--max-worker-port=0"]
        resources = [f"--num-cpus={size.cpus}", f"--num-gpus={size.gpus}", f"--object-store-memory={size.object_store}"]
        ray = [*ray_command(), "start", "--block", "--disable-usage-stats"]
        command = [*ray, *place, f"--node-name=node-{number}", f"--temp-dir={temp}", *ports, *resources]
        command.append("--include-log-monitor=false")
        environment = {**SWITCHES, **START_FEW, MODE: "token", **secrets.environment()}
        environment.pop("RAY_ADDRESS", None)
        # Jobs run `python`, which must be the one with Ray and Sieve installed.
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment.get("PATH", os.defpath)])
        node = LocalNode.spawn(number, command, temp, self.folder / f"node-{number}.log", environment)
        self._state = replace(self._state, nodes=(*self.nodes, node))
        self._write()
        return node

    def _wait(self) -> None:
        """Wait until every node that is alive has joined."""
        until = time.monotonic() + PATIENCE
        started = [node for node in self.nodes if not node.ready]
        while not all(node.ready for node in started) or not self._joined():
            for node in started:
                if not node.alive or time.monotonic() > until:
                    log = self.folder / f"node-{node.number}.log"
                    what = f"of Ray {version('ray')} did not come up in time" if node.alive else "ended at once"
                    said = log.read_text(errors="replace").strip()[-600:]
                    raise ClusterError(f"node {node.number} {what}, and said: …{said}", f"all of it is in {log}")
            time.sleep(0.1)

    def _joined(self) -> bool:
        if self.dashboard is None:
            return True
        try:
            joined = sum(node.alive for node in ask(self.dashboard))
        except ClusterError:
            return False
        return joined >= sum(node.alive for node in self.nodes)

    def _write(self) -> None:
        file = self.folder / STATE
        file.with_suffix(".new").write_text(json.dumps(asdict(self._state), indent=2))
        file.with_suffix(".new").replace(file)


def _read(folder: Path) -> _State:
    raw = json.loads((folder / STATE).read_text())
    nodes = tuple(LocalNode(**node) for node in raw["nodes"])
    return _State(raw["address"], raw["dashboard"], Size(**raw["size"]), raw["temp"], nodes)


def _free_ports(count: int) -> list[int]:
    """Free ports; all are bound until the last is found, so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def _short_folder() -> str:
    """A new folder with a short path: that of a socket has at most 107 bytes, of which Ray needs 70."""
    usual = tempfile.gettempdir()
    return tempfile.mkdtemp(prefix="sieve-", dir=usual if len(usual) <= LONGEST else "/tmp")


def _host() -> str:
    """The IP address of this machine, found as Ray does; no packet is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("8.8.8.8", 80))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"
