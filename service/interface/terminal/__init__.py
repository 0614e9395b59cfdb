"""What verbs share on a terminal: the live view, options, a group that knows misspelt verbs."""
