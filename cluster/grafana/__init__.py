"""The Grafana dashboard of sweeps, and its installation beside Ray's own dashboards."""

from __future__ import annotations

from pathlib import Path

DASHBOARD = Path(__file__).with_name("sieve.json")
NAME = "sieve_grafana_dashboard.json"
"""The file's name, by the pattern of Ray's own dashboards."""


def install(temp: Path) -> Path:
    """Write the dashboard into the temporary folder ``temp`` of a head's Ray, where Grafana finds it; returns the file.

    Ray writes its own dashboards and Grafana's provisioning there, at ``session_latest/metrics/grafana/dashboards``.
    """
    folder = temp / "session_latest" / "metrics" / "grafana" / "dashboards"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / NAME
    file.write_text(DASHBOARD.read_text())
    return file
