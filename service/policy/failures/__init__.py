"""What to do when trials break: try again, give up, avoid a node, pause the sweep."""
