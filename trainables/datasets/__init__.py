"""Data sets: batches of items, nested stratified subsets, sampling, downloads with checksums."""
