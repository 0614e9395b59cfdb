"""``sieve serve``: the API and the daemon in one process, until it is told to end."""

from __future__ import annotations

import getpass
import logging
import os
import signal
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import uvicorn

from service.engine.fleet.inventory import Inventory
from service.engine.packages.package_store import Limits
from service.interface.api.app import create_app
from service.interface.api.guard.exposure import Exposure
from service.interface.api.guard.slow_clients import Protocol
from service.interface.api.service_settings import ServiceSettings
from service.interface.api.threads import BackgroundLoop, Run, daemon
from service.ledger.home import open_store
from service.ledger.over_http.trust import certificates
from service.ledger.store.store import Store
from service.spec.errors import UserError

PATIENCE = 10
"""Seconds that requests have to end."""


@dataclass(frozen=True)
class ServeOptions:
    """What `sieve serve` was told; the defaults are the command's.

    ``ray`` is the address of the cluster (RAY_ADDRESS, or ``http://…`` of its dashboard; None: the local one of the
    home), ``launcher`` how heads start there, ``sweeps`` how many run at once, ``url`` the address at which they reach
    this service (None: what it listens at).
    """

    home: Path
    exposure: Exposure = field(default_factory=Exposure)
    storage: Path | None = None
    ray: str | None = None
    launcher: str = "jobs"
    sweeps: int = 16
    daemon: bool = True
    url: str | None = None
    package_limit: int = Limits().packed


class Server(uvicorn.Server):
    """A web server that ends its streams as soon as it is told to end."""

    def __init__(self, config: uvicorn.Config, stop: threading.Event) -> None:
        super().__init__(config)
        self._stop = stop

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal came: no stream goes on, no new connection is taken."""
        self._stop.set()
        super().handle_exit(sig, frame)


def serve(options: ServeOptions) -> None:
    """Serve until SIGTERM or Ctrl-C; then take nothing new, let requests end and wait for the daemon.

    Raises:
        UserError: it would listen beyond this machine in the clear, or cannot listen at all.
    """
    options.exposure.check()
    store = open_store(options.home, create=True)
    listening = options.exposure.listen()
    where = options.exposure.url(listening.getsockname()[1])
    settings = _settings(options, store)
    settings.tidy()
    loop = _daemon(options, settings, options.url or where) if options.daemon else None
    file = admin_token(store, options.home)
    told = f"the admin's token is in {file}" if file is not None else "an admin has a token, and no file here holds it"
    print(f"Sieve serves {where}; {told}", flush=True)
    server = Server(config(settings, options.exposure), settings.stop)
    for number in (signal.SIGINT, signal.SIGTERM):  # what uvicorn puts back and calls again once it has ended
        signal.signal(number, lambda *_: settings.stop.set())
    with BackgroundLoop(loop, settings):
        server.run(sockets=[listening])


def config(settings: ServiceSettings, exposure: Exposure) -> uvicorn.Config:
    """The web server's own settings."""
    return uvicorn.Config(
        create_app(settings),
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        proxy_headers=exposure.behind_proxy,
        forwarded_allow_ips=list(exposure.proxies),
        timeout_graceful_shutdown=PATIENCE,
        ssl_certfile=exposure.certificate,
        ssl_keyfile=exposure.key,
    )


def admin_token(store: Store, home: Path) -> Path | None:
    """The file with an admin's token. It is written when no admin's token holds: at the first start.

    None if there is an admin's token that is not in the file.

    Raises:
        UserError: the file cannot be written.
    """
    file = home / "token"
    if any(token.role == "admin" and token.revoked is None for token in store.tokens.ls()):
        return file if _holds(store, file) else None
    _, secret = store.tokens.create(getpass.getuser(), "admin")
    try:
        home.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as opened:
            opened.write(secret + "\n")
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}", "choose a home that can be written: --home") from None
    return file


def _holds(store: Store, file: Path) -> bool:
    try:
        token = store.tokens.of(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return False
    return token is not None and token.role == "admin"


def _daemon(options: ServeOptions, settings: ServiceSettings, url: str) -> Run:
    from service.engine.launch.launchers import launcher_of

    launcher = launcher_of(options.launcher, _cluster(options) or "", options.home)
    return daemon(launcher, settings, url, options.sweeps, certificates(options.exposure.certificate))


def _cluster(options: ServeOptions) -> str | None:
    from service.engine.fleet import local_clusters

    return options.ray or local_clusters.serving(options.home, jobs=options.launcher == "jobs")


def _settings(options: ServeOptions, store: Store) -> ServiceSettings:
    for chatty in ("uvicorn.error", "httpx"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    ray = _cluster(options)
    return ServiceSettings(
        store,
        options.home,
        storage=options.storage,
        hosts=options.exposure.hosts,
        any_address=options.exposure.any_address,
        limits=Limits(packed=options.package_limit),
        inventory=Inventory(ray) if ray else None,
    )
