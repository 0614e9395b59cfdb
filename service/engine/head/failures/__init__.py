"""Failures in a head: a trial is tried again or fails, a node is avoided, the sweep pauses."""
