"""The process that drives one sweep: its trial log, recovery, failures, concurrency and GPU packing."""
