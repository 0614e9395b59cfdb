"""YAML text as plain data with the line of every value.

Anchors and aliases work; merge keys (``<<``), duplicate keys and tags that build objects are refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from service.spec.errors import SpecError, UserError, Violation, nearest
from service.spec.flat import SEPARATOR
from service.spec.yaml_file.scalars import TAG, Composer, Dumper, scalar

Where = tuple[str | int, ...]


@dataclass
class Document:
    """Plain data read from text.

    ``lines`` has the line (from 1) of every path; ``source`` the name for messages; ``faults`` violations in the text
    itself, such as duplicate keys.
    """

    data: Any
    lines: dict[Where, int] = field(default_factory=dict)
    source: str = ""
    faults: list[Violation] = field(default_factory=list)

    def line(self, where: str) -> int | None:
        """The line of the value at ``where`` (see `Violation`), or of the innermost value around it."""
        lines = {SEPARATOR.join(map(str, path)): line for path, line in reversed(self.lines.items())}
        while where and where not in lines:
            where = where.rpartition(SEPARATOR)[0]
        return lines.get(where)


def read(text: str, source: str) -> Document:
    """Read one YAML document; duplicate keys and the like are collected in ``faults``.

    Raises:
        SpecError: the text is not YAML; the violation has the line.
    """
    try:
        root = yaml.compose(text, Loader=Composer)
    except yaml.YAMLError as error:
        raise SpecError([_syntax(error)], source) from None
    document = Document(None, source=source)
    if root is not None:
        document.data = _Reader(document).value(root, ())
    return document


def read_file(path: Path) -> Document:
    """`read` the file at ``path``.

    Raises:
        SpecError: as `read` does.
        UserError: there is no readable text file; the message names the nearest file beside it.
    """
    return read(_text(path), str(path))


def refusal(where: str, message: str, source: object) -> SpecError:
    """The `SpecError` of one violation at ``where``, with its line if ``source`` is the path of the spec's file."""
    if not isinstance(source, (str, Path)):
        return SpecError([Violation(where, None, message)])
    document = read_file(Path(source))
    return SpecError([Violation(where, document.line(where), message)], document.source)


def write(data: Any) -> str:
    """``data`` as YAML that `read` and readers of YAML 1.1 read alike; short lists are on one line."""
    return yaml.dump(data, Dumper=Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=120)


@dataclass
class _Reader:
    document: Document
    open: list[yaml.Node] = field(default_factory=list)

    def value(self, node: yaml.Node, path: Where) -> Any:
        self.document.lines.setdefault(path, _line(node))
        if any(node is other for other in self.open):
            return self.refuse(node, path, "contains itself; an alias may only name what is complete before it")
        self.open.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
            return self.scalar(node, path)
        finally:
            self.open.pop()

    def mapping(self, node: yaml.MappingNode, path: Where) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != f"{TAG}str":
                self.refuse(key_node, path, f"the key {_shown(key_node)} is not text; write it in quotes")
            elif key == "<<":
                self.refuse(key_node, path, "merge keys (<<) are not part of YAML 1.2; write the keys out")
            elif key in found:
                first = self.document.lines[(*path, key)]
                self.refuse(key_node, (*path, key), f"the key is given twice, first in line {first}; keep one")
            else:
                self.document.lines[(*path, key)] = _line(key_node)
                found[key] = self.value(value_node, (*path, key))
        return found

    def scalar(self, node: yaml.Node, path: Where) -> Any:
        try:
            return scalar(node.tag, node.value)
        except ValueError as error:
            return self.refuse(node, path, str(error))

    def refuse(self, node: yaml.Node, path: Where, message: str) -> None:
        self.document.faults.append(Violation(SEPARATOR.join(map(str, path)), _line(node), message))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _shown(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "(a list or mapping)"


def _syntax(error: yaml.YAMLError) -> Violation:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        problem = " ".join(part for part in (error.context, error.problem) if part)
        column = error.problem_mark.column + 1
        return Violation("", error.problem_mark.line + 1, f"not YAML: {problem} in column {column}; correct the line")
    return Violation("", None, f"not YAML: {' '.join(str(error).split())}; correct the text")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        beside = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        cure = "check the path" if beside else "check the path, or let `sieve init` write a first task and sweep"
        raise UserError(f"there is no file {str(path)!r}{nearest(path.name, beside)}", cure) from None
    except IsADirectoryError:
        raise UserError(f"{str(path)!r} is a folder", "name the YAML file in it") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{str(path)!r} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except OSError as error:
        raise UserError(f"cannot read {str(path)!r}: {error.strerror}", "check the path and its permissions") from None
