"""Reference tasks: real models on real data, each with an example sweep beside it."""
