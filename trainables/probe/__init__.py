"""What a check measures on the target: a task is looked at, built, stepped and run twice. Plain evidence comes back."""
