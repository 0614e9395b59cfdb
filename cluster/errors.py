"""Errors of clusters."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """A cluster cannot be started, reached or found. ``str()`` is the message, then the cure."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message, cure)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}" if self.cure else self.message


class RayChanged(ClusterError):
    """The Ray that is installed, or that of a cluster, lacks something that Sieve cannot do without."""
