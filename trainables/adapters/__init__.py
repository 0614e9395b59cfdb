"""Adapters of training loops that are not Sieve's: plain functions, and the base of Lightning's and transformers'."""
