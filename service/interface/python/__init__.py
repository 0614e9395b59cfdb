"""Sweeps from Python: what `import service` offers, and the handle on a sweep."""
