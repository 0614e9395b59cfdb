"""Probes of costs: time, peak memory, batch sizes."""
