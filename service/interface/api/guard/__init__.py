"""What stands before the routes: tokens, hosts, limits, slow and malformed requests."""
