"""The store of code packages: zips of users' folders by their SHA-256, unpacked with care and never run here."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from service.engine.packages.unpack import Limits, Refused, unpack
from service.ledger.errors import DiskFull

__all__ = ["Limits", "Packages", "Refused", "Upload"]

NAME = "packages"


KEPT = 24 * 3600.0
"""Seconds that a package stays which no sweep has."""

CUT_OFF = 3600.0
"""Seconds after which an upload that has not grown has no process any more."""


class Upload:
    """A package on its way in: chunks of bytes, then `finish`. It is checked as it comes, and visible only then."""

    def __init__(self, sha256: str, file: BinaryIO, limits: Limits) -> None:
        self._sha256 = sha256
        self._file = file
        self._limits = limits
        self._hash = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        """The next bytes. Raises Refused if there are too many."""
        if self._file.tell() + len(chunk) > self._limits.packed:
            raise Refused(
                f"the package is larger than {self._limits.packed} bytes",
                "leave data and checkpoints out with a .sieveignore file",
            )
        self._file.write(chunk)
        self._hash.update(chunk)

    def finish(self) -> None:
        """All bytes are here. Raises Refused if their hash is another."""
        self._file.flush()
        if self._hash.hexdigest() != self._sha256:
            raise Refused(
                f"the package has SHA-256 {self._hash.hexdigest()}, not {self._sha256}", "send it again, whole"
            )


class Packages:
    """The packages in ``folder``, each unpacked in the folder of its hash. Safe to use from several processes."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._folder = folder
        self._limits = limits or Limits()

    def has(self, sha256: str) -> bool:
        """Whether the package is here, whole. Raises Refused for what is no hash."""
        return _wanted(self._place(sha256))

    def folder(self, sha256: str) -> Path:
        """The folder that the package was packed from. Raises Refused if it is not here."""
        place = self._place(sha256)
        if not _wanted(place):
            raise Refused(f"there is no package {sha256}", "upload it first: PUT /api/v1/packages/{sha256}")
        return place

    def put(self, sha256: str, chunks: Iterator[bytes]) -> bool:
        """Keep the package of these bytes; False if it was here already. Raises Refused; nothing is left of it then."""
        with self.upload(sha256) as upload:
            for chunk in chunks:
                upload.write(chunk)
            return self.keep(upload)

    @contextmanager
    def upload(self, sha256: str) -> Iterator[Upload]:
        """Receive the package ``sha256``; it is here only after `keep`. Raises DiskFull."""
        self._place(sha256)
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".incoming-", suffix=".zip") as file:
            try:
                yield Upload(sha256, file, self._limits)  # type: ignore[arg-type]
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise DiskFull("the disk is full: the package is not kept", "free some space, send it again") from error

    def keep(self, upload: Upload) -> bool:
        """Check what came and unpack it; False if it was here already. Raises Refused."""
        upload.finish()
        place, packed = self._place(upload._sha256), Path(upload._file.name)
        if _wanted(place):
            return False
        work = Path(tempfile.mkdtemp(dir=self._folder, prefix=".unpacking-"))
        try:
            unpack(packed, work / "code", self._limits)
            try:
                os.rename(work / "code", place)
            except OSError:
                if not place.is_dir():  # else another upload of the same bytes came first
                    raise
                return False
            return True
        finally:
            shutil.rmtree(work, ignore_errors=True)

    def tidy(self, used: Collection[str]) -> None:
        """Delete the packages that are not in ``used`` and were not asked for in `KEPT` seconds, and what uploads
        that were cut off have left.
        """
        now = time.time()
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            partial = path.name.startswith(".")
            with suppress(FileNotFoundError):  # Another process is at it as well.
                if path.name in used or now - path.stat().st_mtime < (CUT_OFF if partial else KEPT):
                    continue
                if not partial:  # Gone at once, or not at all.
                    path = path.rename(path.with_name(f".dropped-{path.name}"))
                path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)

    def _place(self, sha256: str) -> Path:
        if not re.fullmatch(r"[0-9a-f]{64}", sha256):
            raise Refused(f"{sha256!r} is no SHA-256", "write it as 64 lower-case hexadecimal digits")
        return self._folder / sha256


def _wanted(place: Path) -> bool:
    """Whether a package is stored; marks it as used, so that `tidy` keeps it."""
    with suppress(FileNotFoundError, PermissionError):
        os.utime(place)
    return place.is_dir()
