"""What the ledger holds, for those who look: rows, DataFrames, Arrow tables and the status of a sweep."""
