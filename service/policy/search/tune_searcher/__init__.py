"""The user's own Ray Tune ``Searcher`` classes, driven by replaying the table of trials."""
