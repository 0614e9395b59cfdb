"""The service over HTTP, the only place that knows a web server."""
