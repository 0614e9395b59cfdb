"""The Grafana dashboard of sweeps: the file beside this one, and where Ray's own Grafana finds it."""

from __future__ import annotations

from pathlib import Path

DASHBOARD = Path(__file__).with_name("sieve.json")
NAME = "sieve_grafana_dashboard.json"
"""As Ray names its own."""


def install(temp: Path) -> Path:
    """Put the dashboard where the Grafana of a head finds it, whose Ray keeps its files in ``temp``; returns the file.

    Ray writes its own dashboards and Grafana's provisioning there, at ``session_latest/metrics/grafana/dashboards``.
    """
    folder = temp / "session_latest" / "metrics" / "grafana" / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / NAME
    file.write_text(DASHBOARD.read_text())
    return file
