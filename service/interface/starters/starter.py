"""What ``sieve init`` writes: a task, a sweep, and sample data where the user brings none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from service.interface.starters import own_data, sample_data
from service.interface.starters.given_data import GivenData
from service.interface.starters.kinds import KINDS, insist_installed
from service.spec.errors import UserError

FILES = ("task.py", "sweep.yaml")


@dataclass(frozen=True)
class Starter:
    """What was ``written``, in its order, and the data that its task reads."""

    written: tuple[Path, ...]
    data: GivenData


def write(kind: str, folder: Path, data: Path | None = None, target: str | None = None, force: bool = False) -> Starter:
    """Write ``task.py`` and ``sweep.yaml`` for a ``kind`` of `KINDS` into ``folder``.

    The task reads ``data``, of a table the column ``target`` as what is to be predicted. Without ``data`` small sample
    data are written, too. ``force`` overwrites files that are there.

    Raises:
        UserError: a file is there already, a package is missing, or `own_data.look` refuses the data. Nothing is
            written then.
    """
    insist_installed(kind)
    if data is None and target is not None:
        raise UserError(f"--target {target} is without --data", "name the file that has this column with --data PATH")
    form = KINDS[kind].form
    sample = sample_data.place(form, folder)
    if not force:
        _refuse_what_is_there([*(folder / name for name in FILES), *([] if data else [sample])])
    found = own_data.look(form, data, target) if data else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if found is None:
            column = sample_data.TARGET if form == "table" else None
            found = own_data.look(form, sample_data.write(form, folder), column)
        for name, text in _texts(kind, folder, found).items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write to {folder}: {error.strerror or error}", "choose another folder with --folder"
        ) from None
    written = [*(folder / name for name in FILES), *([] if data else [sample])]
    return Starter(tuple(written), found)


def _refuse_what_is_there(paths: list[Path]) -> None:
    there = [str(path) for path in paths if path.exists()]
    if there:
        verb = "is" if len(there) == 1 else "are"
        raise UserError(
            f"{' and '.join(there)} {verb} there already",
            "--force overwrites, --folder FOLDER writes into another folder",
        )


def _texts(kind: str, folder: Path, found: GivenData) -> Mapping[str, str]:
    """The text of each file of `FILES`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    templates = Environment(
        loader=PackageLoader("service.interface", "starters"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    inside = found.folder.is_relative_to(folder.resolve())
    data_dir = found.folder.relative_to(folder.resolve()).as_posix() if inside else str(found.folder)
    told = {
        "kind": kind,
        "name": kind,
        "task": KINDS[kind].task,
        "data_dir": data_dir if data_dir.replace("/", "").isalnum() else json.dumps(data_dir, ensure_ascii=False),
        "file": json.dumps(found.file, ensure_ascii=False),
        "target": json.dumps(found.target, ensure_ascii=False),
        "numbers": found.numbers,
        "reader": found.reader,
        "options": found.options,
    }
    return {name: templates.get_template(f"{kind}/{name}.txt").render(told) for name in FILES}
