"""One zip of the code of a sweep, the same for the same content wherever and whenever it is packed."""

from __future__ import annotations

import hashlib
import stat
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.interface.code_package.files import IGNORE, files
from service.interface.code_package.links import sources
from service.interface.code_package.outputs import outputs
from service.spec.errors import UserError

MOST = 100 << 20
"""Bytes that a package may have, and a service takes by default."""

ENTRIES = 20_000
OURS = ("cluster", "service", "trainables")
SHOWN = 5
_BEGINNING = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    """A zip at ``path`` whose content has ``sha256``: so many ``files``; ``notes`` say what stayed behind."""

    path: Path
    sha256: str
    files: int
    notes: tuple[str, ...] = ()


def pack(project: Path, path: Path, most: int = MOST) -> Package:
    """Writes the files of ``project`` that travel (see `files`) to a new zip at ``path``.

    The same files with the same content give the same bytes: they are sorted, without times, and not compressed, as
    each library compresses in its own way. Of the mode only whether a file can be run is kept.

    Raises:
        UserError: there is no such folder, nothing in it travels, or it cannot: more than ``most`` bytes, links that
            lead out, a package of our name, a name that no zip can have.
    """
    if not project.is_dir():
        raise UserError(f"there is no folder {project}", "name the one that holds the task's code with --project")
    listing = files(project)
    results = outputs(project, listing.paths)
    listed, notes = _without_ours(project, tuple(path for path in listing.paths if path not in results))
    if results:
        notes = (*notes, f"{_some(sorted(results))} stay here: they hold output of Sieve")
    if listing.stayed:
        notes = (*notes, f"{', '.join(listing.stayed)} stay here: folders of that name never travel")
    if not listed and not any(project.iterdir()):
        raise UserError(f"the folder {project} is empty", "name the one that holds the task's code with --project")
    if not listed:
        raise UserError(f"nothing in {project} can travel: all is ignored", f"correct .gitignore or {IGNORE}")
    found = list(sources(project, listed))
    _check(project, found, most)
    with zipfile.ZipFile(path, "x", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, source in found:
            _add(archive, name, source)
    with path.open("rb") as file:
        return Package(path, hashlib.file_digest(file, "sha256").hexdigest(), len(found), notes)


def _add(archive: zipfile.ZipFile, name: str, source: Path) -> None:
    entry = zipfile.ZipInfo(name, _BEGINNING)
    entry.create_system = 3  # Unix, so that the file mode is kept
    try:
        mode = 0o755 if source.stat().st_mode & stat.S_IXUSR else 0o644
        entry.external_attr = (stat.S_IFREG | mode) << 16
        archive.writestr(entry, source.read_bytes())
    except OSError as error:
        raise UserError(
            f"cannot read {source}: {error.strerror or error}", f"make it readable, or leave it out: {IGNORE}"
        ) from None


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _without_ours(project: Path, listed: Sequence[str]) -> tuple[Sequence[str], tuple[str, ...]]:
    """Without Sieve's own packages, if ``project`` is Sieve's checkout: they are installed where it runs.

    Raises:
        UserError: the project has a package of such a name that is not ours; beside ours it would not work.
    """
    clashing = {name for path in listed if (name := _clash(path)) is not None}
    if not clashing:
        return listed, ()
    if project.resolve() == Path(__file__).resolve().parents[3]:
        kept = [path for path in listed if path.partition("/")[0] not in OURS]
        return kept, (f"Sieve's own {', '.join(sorted(clashing))} stay here: the service has its own",)
    name = min(clashing)
    raise UserError(
        f"the project folder {project} has a package or module {name}, which is also a part of Sieve",
        f"rename yours, name another folder with --project, or leave it out with the line /{name} in {IGNORE}",
    )


def _clash(path: str) -> str | None:
    """Which of our names ``path`` would hide: by a module, or a package with modules at its top."""
    top, slash, rest = path.partition("/")
    name = top if slash else top.removesuffix(".py")
    module = top.endswith(".py") if not slash else rest.endswith(".py") and "/" not in rest
    return name if module and name in OURS else None


def _check(project: Path, found: Sequence[tuple[str, Path]], most: int) -> None:
    odd = next((name for name, _ in found if "\\" in name or not _is_text(name)), None)
    if odd is not None:
        raise UserError(f"the file name {odd!r} cannot travel", f"rename it, or leave it out: {IGNORE}")
    if len(found) > ENTRIES:
        raise UserError(
            f"{project} has {len(found)} files to travel, more than {ENTRIES}", f"leave data out with a {IGNORE} file"
        )
    sizes = sorted(((source.stat().st_size, name) for name, source in found), reverse=True)
    whole = sum(size for size, _ in sizes)
    if whole > most:
        largest = ", ".join(f"{name} ({_megabytes(size)})" for size, name in sizes[:SHOWN])
        raise UserError(
            f"the code in {project} has {_megabytes(whole)}, more than {_megabytes(most)}; the largest are {largest}",
            f"leave out with a {IGNORE} file what the task does not need, or allow more with --max-package",
        )


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.3g} MiB"


def _is_text(name: str) -> bool:
    try:
        return bool(name.encode())
    except UnicodeEncodeError:
        return False
