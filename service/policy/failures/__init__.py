"""Failure policy: retry a trial, give it up, avoid a node, pause the sweep."""
