"""The plan of stages that Sieve makes: which stages for so many trials, and how many optimizer steps they take."""
