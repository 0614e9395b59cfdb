"""Other people's loops on Sieve's stages: plain functions, and what Lightning and transformers share."""
