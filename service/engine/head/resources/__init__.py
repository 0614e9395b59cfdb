"""The resources of a head's trials: slots, GPUs, and the placement groups that Tune reserves for them."""
