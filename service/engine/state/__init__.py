"""The state of a sweep that its head and the simulator share: rounds, progress of trials, warm start. No Ray."""
