"""The verbs of the command line, a file per kind; each file lists its own in ``VERBS``."""
