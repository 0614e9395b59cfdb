"""The address of a service, as people write it."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from service.spec.errors import UserError

CURE = "write it as http://HOST:PORT, e.g. http://localhost:8700"


def address(written: str) -> str:
    """``written`` in the one form that addresses are compared in.

    Raises:
        UserError: it is no http or https address.
    """
    try:
        parts = urlsplit(written.strip())
        port = parts.port
    except ValueError as error:
        raise UserError(f"the address is {written!r}: {error}", CURE) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f"the address is {written!r}, which is no http address", CURE)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UserError(
            f"the address {parts.scheme}://{parts.hostname} has more in it than host, port and path",
            f"{CURE}; a token goes to SIEVE_TOKEN or into a context",
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{'' if port is None else f':{port}'}{parts.path.rstrip('/')}"


def is_loopback(known: str) -> bool:
    """Whether ``known``, in the form of `address`, is this machine and nothing between."""
    host = _host(urlsplit(known))
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _host(parts: SplitResult) -> str:
    return parts.hostname or ""
