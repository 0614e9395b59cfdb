"""The Gaussian process behind `bayesopt`: features of configs, values of unfinished trials, candidates."""
