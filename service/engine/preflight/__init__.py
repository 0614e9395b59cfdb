"""What is checked before a sweep runs: first that it can exist, then that its task is sound on the target."""

from __future__ import annotations

from service.engine.preflight.checked import Checked, check
from service.engine.preflight.finding import Finding, Report

__all__ = ["Checked", "Finding", "Report", "check"]
