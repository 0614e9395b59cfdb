"""Preflight checks of a sweep: spec, task and data; then probes of the task with a trial's resources."""

from __future__ import annotations

from service.engine.preflight.checked import Checked, check
from service.engine.preflight.finding import Finding, Report

__all__ = ["Checked", "Finding", "Report", "check"]
