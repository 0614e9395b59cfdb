"""What a check trains for some steps: first loss, one batch by heart, a ramp of rates, repeated runs."""
