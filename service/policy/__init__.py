"""What to do next: pure decisions from plain data to plain data. No I/O, no clock."""
