"""What a check looks at in the examples of a task: contents, classes, leaks, labels beside their neighbours."""
