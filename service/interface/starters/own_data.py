"""The user's own data as ``sieve init`` finds them: what its templates are told, and what is refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from service.interface.starters import own_table
from service.interface.starters.given_data import GivenData, counted_classes
from service.spec.errors import UserError, listing


def look(form: str, path: Path, target: str | None) -> GivenData:
    """What the data of the given ``form`` (``images``, ``table`` or ``text``) at ``path`` are.

    Raises:
        UserError: there are none, or none of this form; no column to predict; or a class is too rare to be split.
    """
    if not path.exists():
        raise UserError(f"there is no {str(path)!r}", "check the path of --data")
    if target is not None and form != "table":
        raise UserError(f"--target {target} names a column, and {form} have none", "leave --target out")
    try:
        return {"images": _images, "table": own_table.look, "text": _text}[form](path.resolve(), target)
    except OSError as error:
        raise UserError(f"cannot read {str(path)!r}: {error.strerror or error}", "check its permissions") from None


def _images(folder: Path, _: str | None) -> GivenData:
    from PIL import Image

    if not folder.is_dir():
        raise UserError(f"{str(folder)!r} is a file", "name the folder that holds a folder of images per class")
    readable = Image.registered_extensions()
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    counts = {
        path.name: sum(file.suffix.lower() in readable for file in path.iterdir() if file.is_file()) for path in classes
    }
    if empty := [name for name, count in counts.items() if not count]:
        cure = "name the folder whose folders are the classes, such as its train, or take those out that are none"
        raise UserError(f"in {str(folder)!r} these folders hold no images: {listing(empty)}", cure)
    return GivenData(folder, counted_classes(counts, f"folders of images in {folder}", "images"))


def _text(path: Path, _: str | None) -> GivenData:
    if not path.is_file():
        raise UserError(f"{str(path)!r} is a folder", "name a file of lines LABEL TAB TEXT")
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise UserError(f"{str(path)!r} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    bare = [number for number, line in enumerate(lines, start=1) if line.strip() and "\t" not in line]
    if bare:
        raise UserError(
            f"{str(path)!r} has lines without a TAB: {listing(map(str, bare))}", "write LABEL TAB TEXT in each line"
        )
    counts = Counter(line.split("\t", 1)[0] for line in lines if line.strip())
    return GivenData(path.parent, counted_classes(counts, f"labels in {path}", "lines"), path.name)
