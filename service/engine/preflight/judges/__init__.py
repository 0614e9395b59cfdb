"""From evidence to findings: pure functions, which is why they need neither Ray nor torch."""
