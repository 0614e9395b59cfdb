"""The worker process of a trial: the Ray-facing trainable, its task and data, its processes, its checkpoint."""
