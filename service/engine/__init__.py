"""Makes it happen: drives Ray Tune for one sweep, as a function of its ledger."""
