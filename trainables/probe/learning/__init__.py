"""Probes that train for some steps: first loss, overfitting one batch, learning rate range test, repeated runs."""
