"""YAML files as plain data that remember the line of every value."""
