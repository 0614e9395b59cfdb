"""Sharing one cluster among sweeps: fair shares, preemption, placement on nodes, packing of trials on GPUs."""
