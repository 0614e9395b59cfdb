"""The address on which a service listens: beyond its own machine only with TLS, its own or a proxy's."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from pathlib import Path

from service.interface.api.service_settings import LOOPBACK
from service.spec.errors import UserError


@dataclass(frozen=True)
class Exposure:
    """The address to listen at, and how what is said there is kept secret.

    ``certificate`` and ``key`` are PEM files for TLS; ``behind_proxy``: a reverse proxy at one of ``proxies`` does TLS
    and says who the client is. ``names`` are further names by which clients reach the service.
    """

    host: str = "127.0.0.1"
    port: int = 8700
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False
    proxies: tuple[str, ...] = ("127.0.0.1",)
    names: tuple[str, ...] = ()

    @property
    def any_address(self) -> bool:
        """Whether it listens at every address of the machine."""
        return self.host in ("", "0.0.0.0", "::")

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that requests may name."""
        own = {socket.gethostname().lower(), socket.getfqdn().lower()} if self.any_address else {self.host.lower()}
        return LOOPBACK | own | {name.lower() for name in self.names}

    def url(self, port: int) -> str:
        """The address of the service for those on its machine, or beyond if it is bound there."""
        host = socket.gethostname() if self.any_address else self.host
        return f"{'https' if self.certificate else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    def check(self) -> None:
        """Check that the service does not listen beyond this machine without TLS, its own or a proxy's.

        Raises:
            UserError: it would listen beyond this machine in the clear, or certificate and key cannot be read.
        """
        if (self.certificate is None) != (self.key is None):
            raise UserError("of certificate and key only one is given", "give both --tls-cert and --tls-key")
        for file in (self.certificate, self.key):
            if file is not None and not file.is_file():
                raise UserError(f"there is no file {file}", "name the PEM files of --tls-cert and --tls-key")
        if self.certificate is not None:
            _check_pair(self.certificate, self.key)
        if not (is_loopback(self.host) or self.certificate or self.behind_proxy):
            raise UserError(
                f"listening at {self.host or 'every address'} without TLS would send tokens in the clear",
                "give --tls-cert and --tls-key, or --behind-proxy where a proxy does TLS, or --host 127.0.0.1",
            )

    def listen(self) -> socket.socket:
        """A socket that listens. Raises UserError if the address is taken or not this machine's."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            listening = socket.create_server((self.host, self.port), family=family, backlog=2048)
        except OSError as error:
            raise UserError(
                f"cannot listen at {self.host}:{self.port}: {error.strerror or error}",
                "choose another --port or --host, or stop who listens there",
            ) from None
        # asyncio does this for sockets of its own alone; without it Nagle's algorithm delays each answer by 40 ms
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening


def _check_pair(certificate: Path, key: Path | None) -> None:
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password="")
    except (OSError, ValueError) as error:  # as ssl.SSLError is; ValueError: the key wants a password
        raise UserError(
            f"{certificate} and {key} are no certificate with its key: {error}",
            "give PEM files that belong together, the key without a password",
        ) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches ``host``."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
