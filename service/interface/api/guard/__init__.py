"""Middleware and dependencies of the routes: tokens, the Host header, body limits, slow and malformed requests."""
