"""What a check measures: time, memory and batch sizes."""
