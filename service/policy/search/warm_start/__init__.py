"""Warm start from past sweeps: their best configs first, and their trials as a prior, weighted by rank correlation."""
