"""Narrowing: the search space of the next round, around the good trials of one."""
