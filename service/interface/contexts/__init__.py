"""Contexts (as kubectl's): services by name, with a token for each."""
