"""What a head gives its trials: slots, GPUs, and the placement groups that Tune reserves for them."""
