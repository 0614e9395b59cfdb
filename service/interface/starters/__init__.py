"""First tasks and sweeps that ``sieve init`` writes: a folder for each kind, and what kinds share in ``parts``."""
