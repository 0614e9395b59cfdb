"""The model of `bayesopt`: Gaussian process, features of configs, estimates of unfinished trials, candidates."""
