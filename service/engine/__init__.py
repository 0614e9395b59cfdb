"""The engine: submits, checks and simulates sweeps, runs their heads (Ray Tune drivers) and the daemon of heads."""
