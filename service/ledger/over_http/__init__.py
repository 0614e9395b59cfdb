"""The ledger of a head whose store is behind a service: the client, its wire format and its spool."""
