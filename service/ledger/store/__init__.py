"""The store: sweeps, their queue, trials and reports, heads, tokens and quotas in one database."""
