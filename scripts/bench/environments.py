"""A virtual environment for each library, so that no peer dictates another's dependencies."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "project"  # the environment that runs this
_SURROGATES = "onnxruntime>=1.20,<2"

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "optuna": ("optuna==5.0.0", _SURROGATES),
    "syne_tune": ("syne-tune[gpsearchers]==0.13.0", _SURROGATES),  # later ones have neither MOBSTER nor Hyper-Tune
    "smac": ("smac==2.4.1", _SURROGATES),
    "dehb": ("dehb==0.1.2", _SURROGATES),
    "ray_bohb": ("ray[tune]==2.60.0", "hpbandster==0.7.4", "ConfigSpace==0.7.1", "numpy<2", "pyarrow<22", _SURROGATES),
}


def python(environment: str, cache: Path) -> Path:
    """The interpreter of ``environment``, made under ``cache`` with pip at first; minutes then, nothing afterwards.

    Raises CalledProcessError when pip fails; pip says why.
    """
    if environment == PROJECT:
        return Path(sys.executable)
    folder = cache / "venvs" / environment
    folder.parent.mkdir(parents=True, exist_ok=True)
    stamp, wanted = folder / "installed", "\n".join(REQUIREMENTS[environment])
    with open(folder.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted:
            print(f"making the environment of {environment}: {', '.join(REQUIREMENTS[environment])}", flush=True)
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            install: list[str | Path] = [
                folder / "bin/python",
                "-m",
                "pip",
                "install",
                "--quiet",
                *REQUIREMENTS[environment],
            ]
            subprocess.run(install, check=True)
            stamp.write_text(wanted)
    return folder / "bin" / "python"
