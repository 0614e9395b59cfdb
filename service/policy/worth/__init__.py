"""The worth of a stage: how well its ranking predicts that of the last stage (rank correlation), and at what cost."""
