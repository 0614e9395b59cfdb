"""Sweeps on a terminal: live view, tables, words."""
