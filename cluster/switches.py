"""Environment variables of Ray that Sieve sets."""

from __future__ import annotations

from cluster.ray_internals.undocumented_switches import HIDE_GPUS

SWITCHES = {**HIDE_GPUS, "RAY_USAGE_STATS_ENABLED": "0"}
"""Set unless the user did: a trial that asks for no GPU sees none; nothing is sent home."""
