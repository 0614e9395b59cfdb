"""Ray clusters: joining or starting one, its nodes and metrics, and clusters of processes on one machine."""
