"""What runs inside a trial: stages, data, recipe, loop and the one Ray-facing class."""
