"""Trials that break on a real Ray, and what becomes of the others."""
