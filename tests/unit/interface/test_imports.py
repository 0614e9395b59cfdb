"""What verbs that look at this machine's sweeps must not load: they answer at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from service.ledger import open_store

NEEDLESS = ("ray", "torch", "pandas", "httpx", "pathspec", "rich.live")
LOOK = """
import sys
from service.interface.cli import main
main(["ls"], standalone_mode=False)
print(*(name for name in sys.argv[1:] if name in sys.modules), file=sys.stderr)
"""


def test_listing_sweeps_loads_neither_what_trains_nor_what_asks_a_service(tmp_path: Path) -> None:
    open_store(tmp_path, create=True)
    command = [sys.executable, "-c", LOOK, *NEEDLESS]
    environment = {"SIEVE_HOME": str(tmp_path), "HOME": str(tmp_path), "PATH": "", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stderr.split() == []
