"""The worker of a trial: the ``tune.Trainable``, loading of task and data, DDP processes, checkpoint."""
