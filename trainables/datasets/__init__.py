"""Examples: items, nested stratified subsets, sampling order, downloads with checksums."""
