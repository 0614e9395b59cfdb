"""Files of data sets, from a data directory or downloaded from their public source, checked by SHA-256."""

from __future__ import annotations

import errno
import gzip
import hashlib
import os
import shutil
import tempfile
import urllib.request
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from trainables.errors import TaskError

VARIABLE = "SIEVE_DATA"
"""Environment variable that names the data directory, for sweeps without ``data_dir``."""

TIMEOUT = 60.0
"""Seconds without a byte after which a download is given up."""

CHUNK = 1 << 20


@dataclass(frozen=True)
class Download:
    """One file of a data set.

    ``path`` is relative to the data directory. ``sha256`` is that of the content, unpacked if the file is a gzip.
    ``url`` is the public source; ``convert`` makes the content from what is downloaded, unpacked, where they differ.
    """

    path: str
    sha256: str
    url: str
    convert: Callable[[bytes], bytes] | None = None


def data_folder(data_dir: str | None, project: str) -> Path | None:
    """The data directory of a sweep: its ``data_dir``, else that of `VARIABLE`; None where neither is set.

    A relative ``data_dir`` counts from the folder ``project``, ``~`` is the home folder.
    """
    if data_dir is not None:
        return Path(project, Path(data_dir).expanduser()).resolve()
    return Path(os.environ[VARIABLE]).expanduser().resolve() if os.environ.get(VARIABLE) else None


def cache_folder() -> Path:
    """The folder of downloads: ``sieve/data`` in the user's cache folder (XDG_CACHE_HOME, else ``~/.cache``)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sieve" / "data"


def contents(sources: Sequence[Download], data_dir: Path | None) -> list[bytes]:
    """The content of each of ``sources``, unpacked and checked.

    A ``data_dir`` must have all of them and is not changed; without one they are downloaded to `cache_folder` once.

    Raises:
        TaskError: files are missing, cannot be downloaded or are corrupted; with their names, sources and the cure.
    """
    if data_dir is not None:
        require([(source.path, source.url) for source in sources], data_dir)
    folder = data_dir or cache_folder()
    for source in sources:
        if not (folder / source.path).is_file():
            download(source, folder)
    return [_read(source, folder) for source in sources]


def require(files: Iterable[tuple[str, str]], folder: Path) -> None:
    """Check that ``folder`` has all ``files``, each given as (path in it, source).

    Raises:
        TaskError: some are missing; the message lists them.
    """
    missing = [f"{path} (from {origin})" for path, origin in files if not (folder / path).is_file()]
    if missing:
        state = "lacks" if folder.is_dir() else "does not exist; it should hold"
        raise TaskError(
            f"the data directory {folder} {state} {', '.join(missing)}",
            f"put the files there, or correct data_dir in the spec, or {VARIABLE} in the environment",
        )


def download(source: Download, folder: Path) -> Path:
    """Download ``source`` into ``folder`` and return its path; the file is moved there once it is whole and checked.

    Raises:
        TaskError: the source cannot be reached, or the checksum is another one.
    """
    target = folder / source.path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise TaskError(
            f"cannot download to {target.parent}: {error.strerror}", f"make it writable, or set data_dir or {VARIABLE}"
        ) from error
    part = Path(name)
    try:
        _fetch(source, part, target)
        _finish(source, part)
        part.chmod(0o666 & ~_umask())  # Temporary files are readable by their owner only.
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _fetch(source: Download, part: Path, target: Path) -> None:
    try:
        with urllib.request.urlopen(source.url, timeout=TIMEOUT) as response, part.open("wb") as file:
            shutil.copyfileobj(response, file, CHUNK)
    except (OSError, HTTPException) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise TaskError(f"cannot download to {target.parent}: {error.strerror}", "free some space") from error
        raise TaskError(
            f"cannot download {source.url}: {error}",
            f"check the network, or get the file elsewhere and put it at {target}",
        ) from error


def _finish(source: Download, part: Path) -> None:
    """Convert what was downloaded, if needed, and check it."""
    content = _unpacked(part.read_bytes(), source.url)
    if content is not None and source.convert is not None:
        try:
            content = source.convert(content)
        except (ValueError, LookupError, TypeError):
            content = None
    found = _digest(content)
    if content is None or found != source.sha256:
        raise TaskError(
            f"the download of {source.url} is corrupted: the SHA-256 of {source.path} would be {found}, "
            f"not {source.sha256}",
            "run again, or get the file elsewhere",
        )
    if source.convert is not None:
        part.write_bytes(gzip.compress(content, mtime=0) if _is_gzip(source.path) else content)


def _read(source: Download, folder: Path) -> bytes:
    path = folder / source.path
    content = _unpacked(path.read_bytes(), source.path)
    found = _digest(content)
    if content is None or found != source.sha256:
        raise TaskError(
            f"the file {path} is corrupted: the SHA-256 of its content is {found}, not {source.sha256}",
            f"delete it and download {source.url} again",
        )
    return content


def _is_gzip(name: str) -> bool:
    return name.endswith(".gz") and not name.endswith(".tar.gz")


def _unpacked(packed: bytes, name: str) -> bytes | None:
    """The content of a file called ``name``; None where it cannot be unpacked."""
    try:
        return gzip.decompress(packed) if _is_gzip(name) else packed
    except (OSError, EOFError, zlib.error):
        return None


def _digest(content: bytes | None) -> str:
    return "none (it cannot be unpacked)" if content is None else hashlib.sha256(content).hexdigest()
