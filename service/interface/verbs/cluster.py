"""``sieve cluster``: a cluster to develop on, on this machine, and what any cluster has room for."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.interface.terminal import verb_options
from service.interface.terminal.verb_group import Group
from service.interface.text import tables

if TYPE_CHECKING:
    from service.engine.fleet.nodes import Node
    from service.interface.source import Source


@click.group(cls=Group)
def cluster() -> None:
    """A Ray cluster to develop on, and what a cluster has room for."""


@cluster.command()
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(min=1), help="Nodes, the head included.")
@click.option("--cpus", type=click.IntRange(min=1), help="CPUs of each node.  [default: the machine's]")
@click.option(
    "--gpus", default=4, show_default=True, type=click.IntRange(min=0), help="GPUs that each pretends to have."
)
@click.option("--store", default=100, show_default=True, type=click.IntRange(min=80), help="MB of each object store.")
@click.option("--detach", is_flag=True, help="Return when it is up; it runs until `sieve cluster stop`.")
@verb_options.home
def local(nodes: int, cpus: int | None, gpus: int, store: int, detach: bool, home: Path) -> None:
    """Start several Ray nodes on this machine, each a set of processes of its own.

    Their GPUs exist for Ray's accounting alone. Runs until Ctrl-C.
    """
    from service.engine.fleet import local_clusters

    wanted = local_clusters.ClusterSize(nodes, cpus or os.cpu_count() or 1, gpus, store * 10**6)
    started = local_clusters.start(wanted, home)
    click.echo(f"{nodes} nodes with {wanted.cpus} CPUs and {gpus} GPUs each at {started.address}")
    click.echo(f"dashboard: {started.dashboard}")
    click.echo(f"export RAY_ADDRESS={started.address}")
    if detach:
        click.echo("stop it with: sieve cluster stop")
        return
    click.echo("Ctrl-C stops it")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        while started.nodes[0].alive:
            time.sleep(0.5)
        click.echo("the cluster has ended")
    finally:
        started.stop()


@cluster.command()
@verb_options.home
def stop(home: Path) -> None:
    """Stop the local cluster; only what it started is ended."""
    from service.engine.fleet import local_clusters

    local_clusters.running(home).stop()
    click.echo("the local cluster is stopped")


@cluster.command()
@verb_options.home
def add(home: Path) -> None:
    """Add a node to the local cluster, of the size of the others."""
    from service.engine.fleet import local_clusters

    click.echo(f"node {local_clusters.add(home)} has joined")


@cluster.command()
@click.argument("number", type=click.IntRange(min=0))
@verb_options.home
def kill(number: int, home: Path) -> None:
    """Kill node NUMBER of the local cluster, as if its machine was lost; node 0 is the head."""
    from service.engine.fleet import local_clusters

    local_clusters.kill(home, number)
    click.echo(f"node {number} is killed")


@cluster.command()
@click.option("--ray", metavar="ADDRESS", help="Ask Ray instead: http://… of a dashboard, or host:port.")
@click.option("--fits", help="Whether one node could ever have so much, e.g. gpu=8,cpu=2; exits with 1 if not.")
@verb_options.output
@verb_options.source
def info(ray: str | None, fits: str | None, output: str, source: Source) -> None:
    """Show the nodes of a cluster, what they have and what is free.

    It is that of the service at an address; on this machine that of RAY_ADDRESS, else the local one.
    """
    from service.engine.fleet import nodes as cluster_nodes

    request = None if fits is None else cluster_nodes.request_of(fits)
    nodes = source.nodes() if ray is None else cluster_nodes.at(ray)
    click.echo(tables.render([_row(node) for node in nodes], output, "the cluster has no nodes"))
    if request is None:
        return
    why = cluster_nodes.fits(nodes, request)
    click.echo(f"{fits} {'could be placed' if why is None else f'can never be placed: {why}'}", err=output != "table")
    if why is not None:
        raise SystemExit(1)


def _row(node: Node) -> dict[str, Any]:
    row: dict[str, Any] = {"node": node.name, "state": "alive" if node.alive else "dead"}
    for name in ("CPU", "GPU"):
        has = node.resources.get(name, 0.0)
        used = None if node.used is None else node.used.get(name, 0.0)
        row |= {f"{name}s": has, f"{name}s used": used, f"{name}s free": None if used is None else has - used}
    return row | {"id": node.id}


VERBS = (cluster,)
