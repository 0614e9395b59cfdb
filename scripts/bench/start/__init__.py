"""The task of `bench_start`, and stock Ray Tune that trains it."""
