"""YAML by the core schema of 1.2, with lines."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from service.spec.errors import SpecError, UserError
from service.spec.yaml_file.document import read, read_file, write

TREES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text("ae1.-+_:0xon ~<", max_size=6)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("-3", -3),
        ("010", 10),
        ("0x1f", 31),
        ("0o17", 15),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("true", True),
        ("null", None),
        ("~", None),
        ("on", "on"),
        ("no", "no"),
        ("1:30", "1:30"),
        ("2026-01-01", "2026-01-01"),
        ("'1e-4'", "1e-4"),
        ("!!str 12", "12"),
        ("!!float 1", 1.0),
    ],
)
def test_scalars(text: str, value: Any) -> None:
    data = read(f"x: {text}", "s").data["x"]
    assert data == value
    assert type(data) is type(value)


def test_an_empty_value_is_null() -> None:
    assert read("x:\ny: 1", "s").data == {"x": None, "y": 1}


def test_lines_of_every_path() -> None:
    document = read("a: 1\n\nb:\n  c: {d: 2}\n  e:\n    - 3\n    - f: 4\n", "s")
    assert document.lines[("b", "c", "d")] == 4
    assert document.lines[("b", "e", 1, "f")] == 7
    assert document.line("b/e/0") == 6
    assert document.line("b/missing/key") == 3
    assert document.line("missing") == 1


def test_aliases_are_copied() -> None:
    assert read("a: &x [1]\nb: *x", "s").data == {"a": [1], "b": [1]}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3", 3, "the key is given twice, first in line 1; keep one"),
        ("a: 1\n2: 3", 2, "the key 2 is not text; write it in quotes"),
        ("a: 1\n? [x]\n: 3", 2, "(a list or mapping) is not text"),
        ("a: &x {b: 1}\nc:\n  <<: *x", 3, "merge keys"),
        ("a: !!python/name:os.system x", 1, "leave the tag out"),
        ("a: !!int x", 1, "'x' does not fit the tag"),
        ("a: &x\n  - *x", 1, "contains itself"),
    ],
)
def test_faults_of_the_text_are_collected(text: str, line: int, message: str) -> None:
    [fault] = read(text, "s").faults
    assert fault.line == line
    assert message in fault.message


@pytest.mark.parametrize("text", ["a: [1, 2", "a: b: c", "a: 1\n b: 2", "a: \x00"])
def test_text_that_is_not_yaml(text: str) -> None:
    with pytest.raises(SpecError, match="not YAML: "):
        read(text, "s.yaml")


def test_the_line_of_a_syntax_error() -> None:
    with pytest.raises(SpecError, match=r"^s\.yaml:2: not YAML: .* in column 5; correct the line$"):
        read("a: 1\nb: c: d", "s.yaml")


@given(TREES)
def test_what_is_written_reads_the_same_here_and_elsewhere(tree: Any) -> None:
    text = write({"x": tree})
    assert read(text, "s").data == {"x": tree}
    assert read(text, "s").faults == []
    assert yaml.safe_load(text) == {"x": tree}


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_bytes(b"name: \xff")
    for path, message in [
        (tmp_path / "swep.yaml", "did you mean 'sweep.yaml'"),
        (tmp_path / "nowhere" / "sweep.yaml", "there is no file"),
        (tmp_path, "is a folder; name the YAML file in it"),
        (tmp_path / "sweep.yaml", "is not UTF-8 text"),
    ]:
        with pytest.raises(UserError, match=message):
            read_file(path)
