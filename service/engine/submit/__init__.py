"""From a spec to a sweep in the ledger, on this machine or over the network: new, continued, or refused."""
