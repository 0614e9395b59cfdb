"""A PostgreSQL server of the tests' own: its data in a temporary folder, on a free port of the loopback alone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg

USER, PASSWORD = "ada", "s3cret/p:w"
"""Whom the URLs name; a password that must be quoted in a URL, and that no message may hold."""

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",  # a machine that crashes takes the tests with it anyway
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def binaries() -> Path | None:
    """The folder of the newest server's programs; None if there is none."""
    known = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = known[-1] if known else shutil.which("initdb")
    return Path(found).parent if found else None


class Server:
    """A server that is made and started at once; `stop` also removes what it has.

    PostgreSQL refuses to run as root: there it runs as the user ``postgres``, whom Debian's package makes.
    """

    def __init__(self) -> None:
        bin = binaries()
        if bin is None:
            raise FileNotFoundError("no PostgreSQL server is installed: apt-get install postgresql")
        self.bin = bin
        self.folder = Path(tempfile.mkdtemp(prefix="sieve-postgres-"))
        self.port = _free_port()
        word = self.folder / "password"
        word.write_text(PASSWORD)
        if os.getuid() == 0:
            for path in (self.folder, word):
                shutil.chown(path, "postgres", "postgres")
        access = ["--username", USER, "--pwfile", str(word), "--auth", "scram-sha-256"]
        self._run("initdb", "--pgdata", self.data, *access, "--encoding", "UTF8", "--locale", "C", "--no-sync")
        self.start()

    @property
    def data(self) -> str:
        """The server's data directory."""
        return str(self.folder / "data")

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database on this server."""
        return f"postgresql+psycopg://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = {**SETTINGS, "port": self.port, "unix_socket_directories": self.folder}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        self._run(
            "pg_ctl", "start", "--wait", "--pgdata", self.data, "--log", f"{self.folder}/log", "--options", options
        )

    def halt(self, mode: str = "fast") -> None:
        """Stop the server and keep its data: ``fast`` cuts connections off, ``immediate`` is a crash."""
        self._run("pg_ctl", "stop", "--wait", "--pgdata", self.data, "--mode", mode)

    def restart(self, mode: str = "fast") -> None:
        """Stop it and start it again."""
        self.halt(mode)
        self.start()

    def stop(self) -> None:
        """Stop the server and remove all that it has."""
        self.halt("immediate")
        shutil.rmtree(self.folder)

    def make(self, database: str, template: str = "template0") -> str:
        """A new database, the copy of another; its URL."""
        self.say(f'create database "{database}" template "{template}" strategy file_copy')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, whoever is connected."""
        self.say(f'drop database if exists "{database}" with (force)')

    def say(self, statement: str) -> None:
        """Run a statement as the owner of the server."""
        address = {"host": "127.0.0.1", "port": self.port, "user": USER, "password": PASSWORD, "dbname": "postgres"}
        with psycopg.connect(**address, autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.bin / program), *arguments]
        if os.getuid() == 0:
            command = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *command]
        output = self.folder / f"{program}.out"  # a file: the server would keep a pipe open
        with output.open("w") as stream:
            done = subprocess.run(command, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {output.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
