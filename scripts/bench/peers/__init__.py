"""The peers, one file per library, each driven through the library's own ask, tell, pruner or scheduler objects."""
