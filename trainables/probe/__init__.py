"""Probes of a task for ``sieve check``, run where trials train: data, learning, configs, repeated runs, costs.

They return evidence as plain data; the service judges it.
"""
