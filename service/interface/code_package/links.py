"""Symbolic links in code that travels: they go as what they point to, if that travels, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from service.interface.code_package.files import IGNORE
from service.spec.errors import UserError


def sources(project: Path, paths: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """Each of ``paths`` with the file that holds its content: itself, or what the link points to.

    Raises:
        UserError: a link leads out of ``project``, to a folder, or nowhere.
    """
    root = project.resolve()
    for path in paths:
        file = project / path
        yield path, _target(root, path, file) if file.is_symlink() else file


def _target(root: Path, path: str, file: Path) -> Path:
    target, leave_out = file.resolve(), f"write the line /{path} into {IGNORE} to leave it out"
    if not target.is_relative_to(root):
        raise UserError(
            f"{path} is a link to {target}, which is outside of the project {root}",
            f"put the file itself there, or {leave_out} (data is named with data_dir, not linked)",
        )
    if not target.exists():
        raise UserError(f"{path} is a link to {target}, which does not exist", f"remove it, or {leave_out}")
    if target.is_dir():
        raise UserError(f"{path} is a link to the folder {target}", f"put the folder itself there, or {leave_out}")
    return target
