"""The README as tests read it: its code blocks, and which of them are tasks of their own."""

from __future__ import annotations

import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

OTHER_TASKS = {
    "def train(": ("loop", "train", {"name": "loss", "goal": "minimize"}),
    "class LightningMoons(": ("light", "LightningMoons", {"name": "val_accuracy", "goal": "maximize"}),
    "class Digits(": ("resnet", "Digits", {"name": "val_accuracy", "goal": "maximize"}),
}
"""What tells a block that is a task of its own: its module, the name in it, the metric."""


def blocks() -> list[tuple[str, str]]:
    """Language and text of every code block, in order."""
    return BLOCK.findall(README.read_text())
