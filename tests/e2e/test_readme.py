"""The README is run: its files written, its commands given, in order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.e2e.conftest import Project

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_every_code_block_of_the_readme_works(project: Project) -> None:
    blocks = BLOCK.findall((ROOT / "README.md").read_text())
    commands: list[str] = []
    for language, code in blocks:
        if language == "yaml":
            (project.folder / "sweep.yaml").write_text(code)
        elif language == "python" and "class Moons" in code:
            (project.folder / "moons.py").write_text(code)
        elif language == "python" and "def train" in code:
            (project.folder / "loop.py").write_text(code)
            spec = (project.folder / "sweep.yaml").read_text()
            spec = spec.replace("moons:Moons", "loop:train").replace("name: moons", "name: loop")
            (project.folder / "loop.yaml").write_text(
                spec.replace("val_accuracy", "loss").replace("maximize", "minimize")
            )
            assert "loop SUCCEEDED" in project.sieve("run", "loop.yaml")
        elif language == "python":
            assert "val_accuracy" in project.python(code)
        else:
            for line in code.splitlines():
                command = shlex.split(line, comments=True)
                commands.append(line.split("#")[0].strip())
                if command[0] == "sieve":
                    project.sieve(*command[1:])
                else:
                    assert (ROOT / command[0]).stat().st_mode & 0o111, f"{command[0]} is not executable"
    assert commands[:2] == ["scripts/demo", "scripts/test"]
    assert any(command.startswith("sieve run sweep.yaml") for command in commands)
    assert (project.folder / "moons.parquet").exists()


def test_every_verb_is_in_the_readme() -> None:
    from service.interface.cli import main

    text = (ROOT / "README.md").read_text()
    missing = [verb for verb in main.commands if not re.search(rf"`(sieve )?{verb}\b", text)]
    assert missing == []
