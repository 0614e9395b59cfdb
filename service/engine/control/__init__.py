"""What is done to a sweep that exists: run, extend, remove it, and what people wish of it."""
