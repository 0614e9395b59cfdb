"""The README is run: its files written, its commands given, in order."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from pathlib import Path

from tests.e2e.conftest import Project
from tests.readme import OTHER_TASKS, README, blocks
from tests.stack import SIEVE

ROOT = Path(__file__).parents[2]


def test_every_code_block_of_the_readme_works(project: Project) -> None:
    commands: list[str] = []
    for language, code in blocks():
        if any(mark in code for mark in OTHER_TASKS):
            continue
        if language == "yaml":
            (project.folder / "sweep.yaml").write_text(code)
        elif language == "python" and "class Moons" in code:
            (project.folder / "moons.py").write_text(code)
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


def test_the_section_on_a_cluster_works_word_by_word(project: Project) -> None:
    """Its first block, at another port, as that one may be in use."""
    section = README.read_text().split("\n## On a cluster\n")[1].split("\n**Serve.**")[0]
    (project.folder / "sweep.yaml").write_text(next(code for language, code in blocks() if language == "yaml"))
    (project.folder / "moons.py").write_text(next(code for _, code in blocks() if "class Moons(Task)" in code))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    lines = [line.removeprefix("    ") for line in section.splitlines() if line.startswith("    ")]
    script = "\n".join(["set -e", "trap 'kill $!; sieve cluster stop' ERR", *lines]).replace("8700", port)
    kept = {key: value for key, value in project.environment.items() if not key.startswith("SIEVE_")}
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=project.folder,
        env=kept | {"PATH": f"{SIEVE.parent}:{kept['PATH']}", "HOME": str(project.folder)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 of 8 trials done" in done.stdout
    assert done.stdout.endswith("the local cluster is stopped\n")


def test_every_verb_is_in_the_readme() -> None:
    from service.interface.cli import main

    text = README.read_text()
    missing = [verb for verb in main.commands if not re.search(rf"`(sieve )?{verb}\b", text)]
    assert missing == []
