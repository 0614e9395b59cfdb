"""``sieve serve``: the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from service.interface.terminal import verb_options

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8700, show_default=True, type=click.IntRange(0, 65535), help="0: any free one.")
@click.option("--host-name", "names", multiple=True, help="A further name by which clients reach it; repeatable.")
@click.option("--tls-cert", "certificate", type=FILE, help="PEM file of the certificate.")
@click.option("--tls-key", "key", type=FILE, help="PEM file of its key.")
@click.option("--behind-proxy", is_flag=True, help="A reverse proxy does TLS and says who the client is.")
@click.option(
    "--proxy-address", "proxies", multiple=True, default=("127.0.0.1",), show_default=True, help="Where that proxy is."
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    envvar="RAY_ADDRESS",
    help="The cluster; http://… is its dashboard.  [default: that of sieve cluster local]",
)
@click.option(
    "--launcher",
    type=click.Choice(["jobs", "processes"]),
    default="jobs",
    show_default=True,
    help="Heads are Ray jobs on the cluster, or processes here.",
)
@click.option(
    "--sweeps",
    default=16,
    show_default=True,
    type=click.IntRange(min=1),
    help="Run at once, as each head takes memory.",
)
@click.option("--no-daemon", is_flag=True, help="Answer only; start no heads.")
@click.option("--url", help="Address at which heads reach this service.  [default: where it listens]")
@click.option("--max-package", default=100, show_default=True, type=click.IntRange(min=1), help="MiB of a package.")
@click.option("--storage", type=click.Path(file_okay=False, path_type=Path), help="Where checkpoints lie; all nodes.")
@verb_options.home
def serve(**chosen: Any) -> None:
    """Run the service until SIGTERM or Ctrl-C.

    It takes sweeps over HTTP, queues them and starts their heads. The first start makes a token for the admin and says
    in which file it is; more come from: sieve token create.
    """
    import logging

    from service.interface.api.guard.exposure import Exposure
    from service.interface.api.server import ServeOptions
    from service.interface.api.server import serve as start

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    exposure = Exposure(
        **{name: chosen[name] for name in ("host", "port", "certificate", "key", "behind_proxy", "proxies", "names")}
    )
    start(
        ServeOptions(
            chosen["home"],
            exposure,
            storage=chosen["storage"],
            ray=chosen["ray"],
            launcher=chosen["launcher"],
            sweeps=chosen["sweeps"],
            daemon=not chosen["no_daemon"],
            url=chosen["url"],
            package_limit=chosen["max_package"] << 20,
        )
    )


VERBS = (serve,)
