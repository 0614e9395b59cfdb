"""Code that runs inside a trial: stages, data, recipe, training loop, and the ``tune.Trainable`` around them."""
