"""The problems of the search benchmark: tables and surrogates of real training, in virtual time."""
