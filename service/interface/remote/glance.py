"""Static check of a task's module (``ast``), for machines without the packages that train it; nothing of it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from service.interface.package.package import OURS
from service.spec import Spec
from service.spec.errors import nearest
from service.spec.yaml_file.document import refusal


def glance(spec: Spec, project: Path, source: object) -> Iterator[str]:
    """Warnings about the task of ``spec``, found from ``project``; ``source`` is the file of the spec, if any.

    Raises:
        SpecError: its module is there, and surely has nothing of that name.
    """
    module, _, name = spec.task.partition(":")
    if module.partition(".")[0] in OURS:
        return
    file = next((file for file in _places(project, module) if file.is_file()), None)
    if file is None:
        known = nearest(module, [path.stem for path in project.glob("*.py")])
        yield f"the task's module {module} is not in {project}{known}: it must be installed where sweeps run"
        return
    try:
        names = _names(ast.parse(file.read_bytes(), str(file)))
    except (OSError, SyntaxError, ValueError) as error:
        yield f"the task's file cannot be read: {error}"
        return
    if names and name not in names:
        there = f"{nearest(name, names)}; define it in {file.relative_to(project)}"
        raise refusal("task", f"{spec.task}: {module} has no {name}{there}", source)


def _places(project: Path, module: str) -> Iterator[Path]:
    path = project.joinpath(*module.split("."))
    yield path / "__init__.py"
    yield path.with_name(f"{path.name}.py")


def _names(tree: ast.Module) -> set[str]:
    """Every name that is bound anywhere in ``tree``; none where others may come at import."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
    return set() if found & {"*", "__getattr__", "globals", "vars", "setattr"} else found
