"""The HTTP API of the service (FastAPI): the only place that imports a web server."""
