"""Ray's own switches as Sieve sets them."""

from __future__ import annotations

SWITCHES = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""Set unless the user did: a trial that asks for no GPU sees none; nothing is sent home."""
