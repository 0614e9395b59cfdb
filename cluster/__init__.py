"""Where sweeps run: the only place that starts or joins a Ray cluster."""
