"""Whose certificates are believed where a service is asked over HTTPS."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

import httpx

from service.spec.errors import UserError

TRUST = "SIEVE_TRUST"
"""Environment variable in which a head finds the certificate of its service: as text, for files are on its machine."""

CURE = "name the PEM file of the certificate, or of who signed it, in SSL_CERT_FILE"
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


def trusted() -> ssl.SSLContext:
    """The authorities of SSL_CERT_FILE or SSL_CERT_DIR, else the usual ones; and the certificates in SIEVE_TRUST.

    Raises:
        UserError: there is no file of that name, or it holds no certificates.
    """
    try:
        context = httpx.create_ssl_context()
        if own := os.environ.get(TRUST):
            context.load_verify_locations(cadata=own)
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # also where somebody else has signed it
    except OSError as error:  # as ssl.SSLError is
        raise UserError(f"the certificates to trust cannot be read: {error}", CURE) from None
    return context


def certificates(file: Path | None) -> str:
    """The certificates in a PEM file without anything else, for it may hold the key, too."""
    return "\n".join(_CERTIFICATE.findall(file.read_text(encoding="utf-8"))) if file is not None else ""


def is_untrusted(error: Exception) -> bool:
    """Whether a connection failed as the certificate of the other end is not believed."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__ or cause.__context__
    return cause is not None
