"""Parts of the command line: common options, a group that suggests verbs for misspelt ones."""
