"""What a head does about failures: a trial is tried again or fails, a node is avoided, the sweep pauses."""
