"""Which services a person knows, by name, and the token for each."""
