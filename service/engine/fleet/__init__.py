"""The machines that sweeps run on: their nodes, what they have room for, clusters on this machine."""
