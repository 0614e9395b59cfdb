"""The command line as a user has it: a project folder, the installed `sieve`, processes of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.stack import PATIENCE, SIEVE

TASKS = Path(__file__).parents[1] / "projects"


@dataclass
class Project:
    """A user's folder with a task file; its home is its own ``.sieve``."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k not in ("SIEVE_HOME", "RAY_ADDRESS")}
        return kept | {"TOY_LOG": str(self.folder / "epochs.log"), "PYTHONUNBUFFERED": "1"}

    def write(self, name: str, spec: Any) -> Path:
        """A spec as a file; JSON is YAML."""
        path = self.folder / name
        path.write_text(spec if isinstance(spec, str) else json.dumps(spec))
        return path

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(SIEVE), *arguments],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Kill what a failed test left running, which would slow and spoil the next ones."""
        for process in self.started:
            with process:
                process.kill()

    def python(self, code: str) -> str:
        """Run ``code`` in the project's folder; what it prints."""
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        ).stdout

    def sieve(self, *arguments: str, code: int = 0) -> str:
        """Run a command to its end; its output, both streams. The exit code must be ``code``."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, f"exit code {process.returncode}\n{out}\n{err}"
        return out + err

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        process = self.start(*arguments, "-o", "json")
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err
        rows: list[dict[str, Any]] = json.loads(out)
        return rows

    def epochs(self) -> list[tuple[str, int, int]]:
        """(config, stage, epoch) of every epoch that any process began to train, in order."""
        lines = (self.folder / "epochs.log").read_text().splitlines()
        return [(x, int(stage), int(epoch)) for x, stage, epoch, _ in (line.split() for line in lines)]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "toy.py").write_text((TASKS / "toy.py").read_text())
    made = Project(tmp_path)
    yield made
    made.end()


@pytest.fixture
def toy() -> Callable[..., dict[str, Any]]:
    from tests.ray.toys import toy

    return toy
