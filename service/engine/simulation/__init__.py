"""Sweeps in virtual time: the real policy against recorded curves. Neither Ray nor torch, no waiting."""
