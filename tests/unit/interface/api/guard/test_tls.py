"""The service over TLS with a certificate that it signed itself: who believes it, and who does not."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import service
from service.engine.launch.launcher import TICKET, Launch
from service.interface.api.guard.exposure import Exposure
from service.interface.api.service_settings import ServiceSettings
from service.interface.remote.problem_errors import NoAnswer
from service.ledger.over_http import client as remote
from service.ledger.over_http.head_secret import digest
from service.ledger.over_http.spool import Spool
from service.ledger.over_http.trust import TRUST, certificates
from service.ledger.store.store import Store
from service.spec.errors import UserError
from tests.unit.interface.api.conftest import served


def signed(folder: Path, name: str = "localhost") -> tuple[Path, Path]:
    """The files of a certificate for ``name`` and 127.0.0.1, signed by itself, and of its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [x509.DNSName(name)]
    if name == "localhost":
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    words = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(pem))
    files[1].write_bytes(words)
    return files


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    return signed(tmp_path)


@pytest.fixture
def address(settings: ServiceSettings, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A service with that certificate, which nobody believes yet."""
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", TRUST):
        monkeypatch.delenv(name, raising=False)
    exposure = Exposure(port=0, certificate=pair[0], key=pair[1])
    exposure.check()
    with served(settings, exposure) as address:
        yield address


def test_who_names_the_certificate_is_served(
    address: str, pair: tuple[Path, Path], secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert address.startswith("https://127.0.0.1:")
    told = r"is not believed: certificate verify failed.*in SSL_CERT_FILE"
    with service.Client(address, secrets["viewer"]) as client, pytest.raises(NoAnswer, match=told):
        client.sweeps()
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    with service.Client(address, secrets["viewer"]) as client:
        assert list(client.sweeps()["sweep"]) == ["toy"]
        assert client.sweep("toy").state == "RUNNING"


def test_a_head_believes_the_certificate_that_it_was_launched_with(
    address: str, pair: tuple[Path, Path], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = store.sweep("toy").attempt
    store.heads.launched("toy", attempt, None, digest("ticket"))
    with pytest.raises(remote.Untrusted, match="let --url of `sieve serve` have a name"):
        remote.enroll(address, "toy", attempt, "ticket")
    monkeypatch.setenv(TRUST, certificates(pair[0]))
    token = remote.enroll(address, "toy", attempt, "ticket")
    ledger = remote.HttpLedger(address, "toy", attempt, token, Spool(tmp_path / "spool"))
    assert ledger.sweep("toy").name == "toy"
    ledger.close()


def test_a_certificate_for_another_name_is_not_believed(
    settings: ServiceSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = signed(tmp_path, "sieve.example")
    monkeypatch.setenv(TRUST, certificates(certificate))
    exposure = Exposure(port=0, certificate=certificate, key=key)
    with served(settings, exposure) as address, pytest.raises(remote.Untrusted, match="not valid for '127"):
        remote.enroll(address, "toy", 1, "ticket")


def test_a_head_is_told_the_certificates_and_never_the_key(pair: tuple[Path, Path], tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_text(pair[1].read_text() + pair[0].read_text())
    launch = Launch("a", 1, "ann", "https://a", "one-use", tmp_path, tmp_path, trust=certificates(both))
    assert launch.environment == {TICKET: "one-use", TRUST: pair[0].read_text().strip()}
    assert Launch("a", 1, "ann", "http://a", "one-use", tmp_path, tmp_path).environment == {TICKET: "one-use"}


def test_files_that_are_no_certificates_are_refused_with_the_cure(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = signed(tmp_path, "other")[1]
    for certificate, key in ((pair[0], other), (pair[1], pair[1]), (pair[0], pair[0])):
        with pytest.raises(UserError, match="give PEM files that belong together"):
            Exposure(certificate=certificate, key=key).check()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    with pytest.raises(UserError, match="in SSL_CERT_FILE"):
        service.Client("https://127.0.0.1:1", "token")
