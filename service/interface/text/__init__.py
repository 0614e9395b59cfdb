"""Sweeps as text: tables, the words of a status, changes of a space."""
