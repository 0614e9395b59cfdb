"""Results of sweeps as rows, DataFrames and Arrow tables, and their status."""
