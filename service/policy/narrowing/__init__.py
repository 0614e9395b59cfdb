"""Narrowing a search space around what one round found, for the next one."""
