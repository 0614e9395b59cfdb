"""What the ledger must not load: commands that only look answer at once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from service.ledger import open_store

HEAVY = ("ray", "torch", "pandas")
LOOK = """
import sys
from pathlib import Path
from service.ledger import Results, open_store
Results(open_store(Path(sys.argv[1]))).sweep_rows()
print(*(name for name in sys.argv[2:] if name in sys.modules))
"""


def loaded(home: Path, *names: str) -> list[str]:
    command = [sys.executable, "-c", LOOK, str(home), *names]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def test_listing_the_sweeps_of_a_ledger_loads_nothing_heavy(tmp_path: Path) -> None:
    open_store(tmp_path, create=True)
    assert loaded(tmp_path, *HEAVY, "alembic") == []


def test_listing_where_there_is_no_ledger_loads_nothing_heavy(tmp_path: Path) -> None:
    assert loaded(tmp_path, *HEAVY) == []
