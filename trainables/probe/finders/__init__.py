"""What finds good values: a ramp of learning rates, ever larger batches."""
