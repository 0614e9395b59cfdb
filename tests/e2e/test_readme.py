"""README and docs are run: their files written, their commands given, in order."""

from __future__ import annotations

import shlex
import socket
import subprocess

from tests.e2e.conftest import Project
from tests.readme import CLIENT, CLUSTER, OTHER_TASKS, ROOT, WALK, block_with, blocks, scripts
from tests.stack import SIEVE

RUN_EACH = """
import contextlib, io
for code in {codes!r}:
    with contextlib.redirect_stdout(io.StringIO()) as told:
        exec(compile(code, "block", "exec"), {{"__name__": "__main__"}})
    assert "val_accuracy" in told.getvalue(), code
"""


def test_every_code_block_of_the_walk_works(project: Project) -> None:
    commands: list[str] = []
    for page in WALK:
        for block in blocks(page):
            commands += follow(project, block.language, block.code)
    assert commands[:2] == ["scripts/demo", "scripts/test"]
    assert any(command.startswith("sieve run sweep.yaml") for command in commands)
    assert any(command.startswith("sieve simulate moons --curves moons") for command in commands)
    assert (project.folder / "moons.parquet").exists()
    assert scripts()
    project.python(RUN_EACH.format(codes=[block.code for block in scripts()]))


def follow(project: Project, language: str, code: str) -> list[str]:
    """Do what a block says; the commands that it gives."""
    commands: list[str] = []
    if language == "text" or any(mark in code for mark in OTHER_TASKS):
        return []
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
    return commands


def test_the_section_on_a_service_works_word_by_word(project: Project) -> None:
    """Its first block, at another port, as that one may be in use; a client of Python joins before it ends."""
    page, beginning = CLUSTER
    [cluster] = [block.code for block in blocks(page) if block.code.startswith(beginning)]
    (project.folder / "sweep.yaml").write_text(next(b.code for b in blocks("README.md") if b.language == "yaml"))
    (project.folder / "moons.py").write_text(block_with("class Moons(Task)").code)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    before, after = cluster.split("kill %1\n")
    client = f"python - <<'END'\n{block_with(CLIENT).code}END\n"
    lines = ["set -e", "trap 'kill $!; sieve cluster stop' ERR", f"{before}{client}kill %1\n{after}"]
    script = "\n".join(lines).replace("8700", port)
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
    assert "val_accuracy" in done.stdout
    assert done.stdout.endswith("the local cluster is stopped\n")
