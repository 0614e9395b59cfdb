"""Sweeps as HTML files: the report page, the page of a learning-rate ramp, their charts."""
