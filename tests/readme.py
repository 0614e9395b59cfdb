"""README and docs as tests read them: their pages, their code blocks, and what is done with each block."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

WALK = ("README.md", "docs/how-to/simulate.md")
"""Pages whose blocks are run in this order, in one folder: tests/e2e/test_readme.py."""

CLUSTER = ("docs/how-to/serve.md", "sieve cluster local --nodes 3 --gpus 4 --detach")
"""Page and begin of the block that is run word by word with a service: tests/e2e/test_readme.py."""

CLIENT = "client = service.Client("
"""What tells the block that is run while that service is up."""

OTHER_TASKS = {
    "def train(": ("loop", "train", {"name": "loss", "goal": "minimize"}),
    "class LightningMoons(": ("light", "LightningMoons", {"name": "val_accuracy", "goal": "maximize"}),
    "class Sums(": ("sums", "Sums", {"name": "val_accuracy", "goal": "maximize"}),
    "class Digits(": ("resnet", "Digits", {"name": "val_accuracy", "goal": "maximize"}),
}
"""What tells a block that is a task of its own (module, name in it, metric): tests/ray/test_readme_tasks.py."""

PARTS = {"class Sines(": "a task that trains an epoch", "class Halves(": "a searcher that a simulated sweep asks"}
"""What tells a block that is used as it says: tests/unit/docs/test_parts.py."""

NOT_CODE = {"text": "a diagram, what is printed, or a form to fill in: nothing that could be run"}
"""Languages of blocks that nobody runs, and why. All others are run, or checked by tests/unit/docs/test_blocks.py."""

OF_THE_SHELL = {
    "export": "sets a variable of the reader's shell; the block it is in is run word by word",
    "kill": "ends a job of the reader's shell; the block it is in is run word by word",
}
"""First words of lines that are no command of this project, and why nothing is to be checked in them."""


@dataclass(frozen=True)
class Block:
    """A fenced block of ``page`` (relative to the root) that begins at ``line``."""

    page: str
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(*pages: str) -> list[Block]:
    """Every code block in order, the README's first; those of ``pages`` alone if given."""
    found = []
    for path in PAGES:
        page, text = path.relative_to(ROOT).as_posix(), path.read_text()
        if not pages or page in pages:
            matches = BLOCK.finditer(text)
            found += [Block(page, text.count("\n", 0, m.start()) + 1, m[1], m[2]) for m in matches]
    return found


def block_with(mark: str) -> Block:
    """The one block that has ``mark`` in it."""
    [found] = [block for block in blocks() if mark in block.code]
    return found


def scripts() -> list[Block]:
    """The Python blocks that are run in the folder of the walk when it is over."""
    marks = (*OTHER_TASKS, *PARTS, CLIENT)
    python = [block for block in blocks() if block.language == "python" and block.page not in WALK]
    return [block for block in python if not any(mark in block.code for mark in marks)]
