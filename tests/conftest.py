"""What tests of any folder may need: the real data sets, where they are to be had."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("fixed", deadline=None, derandomize=True)
settings.register_profile("fuzz", deadline=None, max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")))
settings.load_profile("fixed")  # what decides draws the same at each run; scripts/fuzz draws at random

os.environ.pop("SIEVE_DATABASE_URL", None)  # tests keep to stores of their own
os.environ["SIEVE_KEEP_RAY"] = "0"  # no test leaves a Ray behind; tests of a kept one say so


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The data directory, see `trainables.datasets.downloads`; a test that asks for it is skipped without one."""
    folder = Path(os.environ.get("SIEVE_DATA") or Path(__file__).parents[2] / "shared" / "data").resolve()
    if not folder.is_dir():
        pytest.skip(f"no data: {folder} does not exist; SIEVE_DATA names the data directory")
    return folder
