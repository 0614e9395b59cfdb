"""The search space: parameters, their samplers (Ray Tune's) and conditions, and the map to the unit cube."""
