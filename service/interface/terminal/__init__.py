"""Parts of the command line: the live view, common options, a group that suggests verbs for misspelt ones."""
