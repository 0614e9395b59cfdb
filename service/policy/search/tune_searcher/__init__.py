"""Ray Tune ``Searcher`` classes of the user's own, driven as pure functions of the table."""
