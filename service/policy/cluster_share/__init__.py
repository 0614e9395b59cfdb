"""Who gets how much of a shared cluster: fair shares, preemption, placement on nodes, packing of GPUs."""
