"""The search space: parameters, their samplers and conditions, and the ways to the unit cube."""
