"""Errors of clusters."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """A cluster cannot be started, reached or found; the message ends with the cure."""
