"""What talks to people: the command line, the live view, the report page and the Python handle."""
