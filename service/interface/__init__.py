"""User interfaces: the command line, the terminal view, the report page, the Python API and the HTTP API."""
