"""Probes of a task's examples: contents, classes, leaks, nearest neighbours."""
