"""YAML files as plain data with the line of every value."""
