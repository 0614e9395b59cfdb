"""The store of code packages: what goes in comes out, and nothing that a stranger packs does harm."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from service.engine.packages.package_store import Limits, Packages, Refused

SMALL = Limits(packed=20_000, unpacked=100_000, entries=20, contents=2_000, ratio=10.0, small=5_000, depth=4)


def sha(packed: bytes) -> str:
    return hashlib.sha256(packed).hexdigest()


def zipped(*entries: tuple[str | zipfile.ZipInfo, str | bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", kind) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return packed.getvalue()


def entry(name: str, mode: int) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.external_attr = mode << 16
    return made


def lying() -> bytes:
    """Says that its one file has 10 bytes, and has 50 000."""
    packed = bytearray(zipped(("a", os.urandom(10_000) * 5)))
    for signature, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<L", packed, packed.index(signature) + offset, 10)
    return bytes(packed)


def spoilt() -> bytes:
    packed = bytearray(zipped(("a.py", "x = 1\n" * 100)))
    packed[40] ^= 0xFF
    return bytes(packed)


def nested(depth: int) -> bytes:
    return zipped(("/".join("d" * depth), "x"))


def encrypted() -> bytes:
    packed = bytearray(zipped(("a", "x")))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "above": (lambda: zipped(("../evil.py", "x")), "leads out"),
    "above, further in": (lambda: zipped(("a/../../evil.py", "x")), "leads out"),
    "absolute": (lambda: zipped(("/tmp/evil.py", "x")), "leads out"),
    "of Windows": (lambda: zipped(("..\\evil.py", "x")), "leads out"),
    "drive": (lambda: zipped(("c:/evil.py", "x")), "leads out"),
    "empty name": (lambda: zipped((zipfile.ZipInfo(""), "x")), "leads out"),
    "link": (lambda: zipped((entry("a", stat.S_IFLNK | 0o777), "/etc/passwd")), "is a link"),
    "device": (lambda: zipped((entry("a", stat.S_IFCHR | 0o600), "")), "neither a file nor a folder"),
    "twice": (lambda: zipped(("a", "1"), ("b", "2")).replace(b"b", b"a"), "twice"),
    "file as folder": (lambda: zipped(("a", "1"), ("a/b", "2")), "cannot be unpacked"),
    "bomb": (lambda: zipped(("a", b"\0" * 90_000)), "times its size"),
    "too much": (lambda: zipped(("a", os.urandom(8_000) * 13)), "more than 100000"),
    "lying": (lying, "more than the zip says|no sound zip"),
    "many": (lambda: zipped(*((str(n), "") for n in range(21))), "21 files, more than 20"),
    "table of contents": (lambda: zipped(*((f"{n}{'x' * 200}", "") for n in range(20))), "table of contents"),
    "folders": (lambda: zipped(*((f"{n}/a/b/c", "") for n in range(10))), "more than 20 folders"),
    "deep": (lambda: nested(5), "too long"),
    "long name": (lambda: zipped(("x" * 300, "")), "too long"),
    "encrypted": (encrypted, "encrypted"),
    "rare": (lambda: zipped(("a", "x" * 999), kind=zipfile.ZIP_LZMA), "rare way"),
    "spoilt": (spoilt, "no sound zip"),
    "before its beginning": (lambda: zipped(("a.py", ""))[1:], "no sound zip|cannot be unpacked"),
    "cut": (lambda: zipped(("a", "x" * 999))[:-30], "no zip"),
    "no zip": (lambda: b"#!/bin/sh\n", "no zip"),
    "nothing": (lambda: b"", "no zip"),
    "64-bit": (lambda: zipped(("a", "x")).replace(b"PK\x05\x06", b"PK\x06\x07" + bytes(16) + b"PK\x05\x06"), "64-bit"),
    "too large": (lambda: os.urandom(20_001), "larger than 20000"),
}


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    return Packages(tmp_path / "packages", SMALL)


def test_a_package_comes_out_as_it_went_in(packages: Packages) -> None:
    script = entry("bin/go", stat.S_IFREG | 0o755)
    packed = zipped(("toy.py", "x = 1\n"), ("näme/", ""), (script, "#!"))
    assert packages.put(sha(packed), iter([packed[:50], packed[50:]]))
    folder = packages.folder(sha(packed))
    assert (folder / "toy.py").read_text() == "x = 1\n"
    assert (folder / "näme").is_dir()
    assert (folder / "bin/go").stat().st_mode & 0o777 == 0o755
    assert (folder / "toy.py").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in folder.parent.iterdir()] == [sha(packed)]


def test_a_package_that_is_there_stays_as_it_is(packages: Packages) -> None:
    packed = zipped(("toy.py", "x = 1\n"))
    assert packages.put(sha(packed), iter([packed]))
    before = packages.folder(sha(packed)).stat().st_ino
    assert not packages.put(sha(packed), iter([packed]))
    assert packages.folder(sha(packed)).stat().st_ino == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_and_leaves_nothing(packages: Packages, tmp_path: Path, attack: str) -> None:
    make, said = ATTACKS[attack]
    packed = make()
    with pytest.raises(Refused, match=said):
        packages.put(sha(packed), iter([packed]))
    assert not packages.has(sha(packed))
    assert [path for path in tmp_path.rglob("*") if path.name != "packages"] == []


def test_another_hash_is_refused(packages: Packages) -> None:
    packed = zipped(("toy.py", "x = 1\n"))
    with pytest.raises(Refused, match=f"has SHA-256 {sha(packed)}, not {'0' * 64}"):
        packages.put("0" * 64, iter([packed]))
    assert not packages.has("0" * 64)


@pytest.mark.parametrize("name", ["", "..", "../" + "0" * 61, "0" * 63, "A" * 64, "0" * 64 + "\n"])
def test_what_is_no_hash_names_no_file(packages: Packages, name: str) -> None:
    for ask in (packages.has, packages.folder):
        with pytest.raises(Refused):
            ask(name)


def test_what_no_sweep_has_is_deleted_after_a_day_and_what_was_cut_off_after_an_hour(packages: Packages) -> None:
    kept = {}
    for name in ("used", "new", "asked", "old"):
        packed = zipped((f"{name}.py", ""))
        packages.put(sha(packed), iter([packed]))
        kept[name] = packages.folder(sha(packed))
    root = kept["used"].parent
    (root / ".incoming-x.zip").write_bytes(b"half")
    (root / ".unpacking-x").mkdir()
    (root / ".unpacking-y").mkdir()
    days = {"used": 9.0, "asked": 1.1, "old": 1.1, "new": 0.9}
    ages = {kept[name]: age * 86400 for name, age in days.items()}
    for path, age in {**ages, root / ".incoming-x.zip": 3601.0, root / ".unpacking-x": 3601.0}.items():
        os.utime(path, (time.time() - age,) * 2)
    assert packages.has(kept["asked"].name)
    packages.tidy({kept["used"].name})
    left = {kept[name].name for name in ("used", "new", "asked")}
    assert {path.name for path in root.iterdir()} == left | {".unpacking-y"}
    assert not packages.has(kept["old"].name)


def test_there_is_nothing_to_tidy_before_the_first(tmp_path: Path) -> None:
    Packages(tmp_path / "none").tidy(())
