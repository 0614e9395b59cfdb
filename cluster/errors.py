"""Errors of clusters."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """A cluster cannot be started, reached or found; the message ends with the cure."""


class RayChanged(ClusterError):
    """The Ray that is installed, or that of a cluster, lacks something that Sieve cannot do without."""

    def __init__(self, message: str, cure: str) -> None:
        super().__init__(message, cure)
        self.message = message
        self.cure = cure

    def __str__(self) -> str:
        return f"{self.message}; {self.cure}"
