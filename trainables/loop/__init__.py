"""The training loop of a task: epochs, updates, feed, precision, seeds. No Ray."""
