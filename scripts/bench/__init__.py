"""Searchers compared in simulated time on surrogates of real training; ``scripts/bench_search.py`` runs it."""
