"""Safe unpacking of untrusted zips: no paths out of the folder, limits on sizes and on the number of files."""

from __future__ import annotations

import errno
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from service.spec.errors import UserError

CURE = "pack the folder again with `sieve submit`"
_END, _LOCATOR = b"PK\x05\x06", b"PK\x06\x07"
_END_SIZE, _LOCATOR_SIZE, _COMMENT = 22, 20, 1 << 16
_BLOCK = 1 << 16
_ITS_FAULT = (errno.EINVAL, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EILSEQ)
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Refused(UserError):
    """A package that cannot be taken."""


@dataclass(frozen=True)
class Limits:
    """What a package may be: bytes ``packed`` and ``unpacked``, files and folders, bytes of its table of contents.

    ``ratio`` is how many bytes one may become, over all; source code has 3 to 10. Below ``small`` bytes it is not
    looked at.
    """

    packed: int = 100 << 20
    unpacked: int = 500 << 20
    entries: int = 20_000
    contents: int = 8 << 20
    ratio: float = 100.0
    small: int = 4 << 20
    depth: int = 32


def unpack(archive: Path, folder: Path, limits: Limits) -> None:
    """Write the files of the zip ``archive`` into the new ``folder``.

    The zip's table of contents is checked first; the bytes are counted while unpacking, as the table may be forged.

    Raises:
        Refused: it is no zip, or holds what may not be: paths that lead out, links, devices, encrypted files, more
            than ``limits``.
    """
    _check_contents(archive, limits)
    with _reading(), zipfile.ZipFile(archive) as opened:
        entries = opened.infolist()
        _check_entries(entries, archive.stat().st_size, limits)
        folder.mkdir()
        left = limits.unpacked
        for entry in entries:
            left -= _extract(opened, entry, folder, left)


@contextmanager
def _reading() -> Iterator[None]:
    """Whatever is wrong with the bytes is a refusal."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise Refused(f"the package is no sound zip: {error}", CURE) from error
    except (ValueError, RuntimeError, OverflowError) as error:
        raise Refused(f"the package cannot be unpacked: {error}", CURE) from error
    except OSError as error:
        if error.errno not in _ITS_FAULT:
            raise
        raise Refused(f"the package cannot be unpacked: {error.strerror}", CURE) from error


def _check_contents(archive: Path, limits: Limits) -> None:
    """Look at the size of the table of contents before it is read: a few megabytes of it fill a memory."""
    size = archive.stat().st_size
    with archive.open("rb") as file:
        file.seek(max(0, size - _END_SIZE - _COMMENT - _LOCATOR_SIZE))
        tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise Refused("the package is no zip", CURE)
    if _LOCATOR in tail[max(0, at - _LOCATOR_SIZE) : at]:
        raise Refused("the package is a zip of the 64-bit kind, which none of its size needs", CURE)
    if struct.unpack_from("<L", tail, at + 12)[0] > limits.contents:
        raise Refused(f"the package's table of contents is larger than {limits.contents} bytes", CURE)


def _check_entries(entries: list[zipfile.ZipInfo], packed: int, limits: Limits) -> None:
    if len(entries) > limits.entries:
        raise Refused(f"the package has {len(entries)} files, more than {limits.entries}", CURE)
    names = [_checked(entry, limits).filename for entry in entries]
    if len(set(names)) < len(names):
        raise Refused("the package has a file twice", CURE)
    _check_folders(names, limits)
    whole = sum(entry.file_size for entry in entries)
    if whole > limits.unpacked:
        raise Refused(f"the package unpacks to {whole} bytes, more than {limits.unpacked}", CURE)
    if whole > limits.small and whole > limits.ratio * packed:
        raise Refused(f"the package unpacks to {whole / packed:.0f} times its size, more than {limits.ratio:g}", CURE)


def _check_folders(names: list[str], limits: Limits) -> None:
    """Few files deep down make many folders: those count, too."""
    folders: set[PurePosixPath] = set()
    for name in names:
        for above in PurePosixPath(name).parents:
            if above in folders:
                break
            folders.add(above)
        if len(folders) > limits.entries:
            raise Refused(f"the package has more than {limits.entries} folders", CURE)


def _checked(entry: zipfile.ZipInfo, limits: Limits) -> zipfile.ZipInfo:
    """The entry, which may be in a package."""
    name, parts = entry.orig_filename, PurePosixPath(entry.filename).parts
    if not parts or name.startswith("/") or "\\" in name or "\0" in name or ".." in parts or ":" in parts[0]:
        raise Refused(f"the package holds {name!r}, which leads out of it", CURE)
    if len(parts) > limits.depth or any(len(part.encode("utf-8", "replace")) > 255 for part in parts):
        raise Refused(f"the package holds a path that is too long: {name[:80]!r}…", CURE)
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "neither a file nor a folder"
        raise Refused(f"the package holds {name!r}, which is {what}", "put the file itself there")
    if entry.flag_bits & 0x1:
        raise Refused(f"the package holds {name!r}, which is encrypted", CURE)
    if entry.compress_type not in _PLAIN:
        raise Refused(f"the package holds {name!r}, which is compressed in a rare way", CURE)
    return entry


def _extract(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, left: int) -> int:
    """Write one file and return its bytes, of which at most ``left`` may come out."""
    path = folder.joinpath(*PurePosixPath(entry.filename).parts)
    if entry.is_dir():
        path.mkdir(parents=True, exist_ok=True)
        return 0
    path.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with opened.open(entry) as source, path.open("xb") as target:
        while block := source.read(_BLOCK):
            written += len(block)
            if written > min(left, entry.file_size):
                raise Refused(f"{entry.filename!r} of the package unpacks to more than the zip says", CURE)
            target.write(block)
    path.chmod(0o755 if entry.external_attr >> 16 & stat.S_IXUSR else 0o644)
    return written
