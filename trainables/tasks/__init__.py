"""Reference tasks: models on public data sets, each with an example sweep in a YAML file of its name."""
