"""Environment variables of Ray that Sieve sets."""

from __future__ import annotations

SWITCHES = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""Defaults, unless the user has set them: trials without a GPU see none; no usage statistics."""
