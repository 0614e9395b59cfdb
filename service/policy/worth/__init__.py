"""What a stage is worth: how well its ranks foretell those of the last one, and at what cost."""
