"""The state of a sweep that its head and the simulator share: rounds, steps of trials, warm start. No Ray."""
