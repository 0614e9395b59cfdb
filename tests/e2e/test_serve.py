"""``sieve serve`` as a process: its first start, its token, its end."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import httpx

from tests.stack import PATIENCE, SIEVE


def serve(home: Path, *options: str) -> subprocess.Popen[str]:
    command = [str(SIEVE), "serve", "--home", str(home), "--port", "0", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_service_starts_with_a_token_and_ends_when_told_while_somebody_listens(tmp_path: Path) -> None:
    home = tmp_path / "home"
    secrets = []
    for _ in range(2):  # the second start keeps the token of the first
        process = serve(home, "--no-daemon")
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = re.fullmatch(
                rf"Sieve serves (http://127\.0\.0\.1:\d+); the admin's token is in {home}/token\n", said
            )
            assert found, said
            secrets.append((home / "token").read_text().strip())
            assert (home / "token").stat().st_mode & 0o777 == 0o600
            with httpx.Client(base_url=found[1], headers={"Authorization": f"Bearer {secrets[0]}"}) as client:
                assert client.get("/readyz").status_code == 200
                with client.stream("GET", "/api/v1/events") as events:
                    assert events.status_code == 200
                    process.send_signal(signal.SIGTERM)
                    list(events.iter_lines())
            _, log = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert process.returncode == 0, log
        assert "GET /api/v1/events 200" in log
        assert secrets[0] not in said + log
    assert secrets[0] == secrets[1]


def test_in_the_clear_it_stays_on_its_machine(tmp_path: Path) -> None:
    process = serve(tmp_path / "home", "--no-daemon", "--host", "0.0.0.0")
    _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 2
    assert "would send tokens in the clear; give --tls-cert and --tls-key" in said
    assert not (tmp_path / "home").exists()
