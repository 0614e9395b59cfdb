"""How heads get processes of their own: as Ray jobs, as detached processes, or as children of a script."""
