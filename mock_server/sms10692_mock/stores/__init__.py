"""Where the vendor keeps what must not be forgotten: one protocol, and a file for each kind of store."""
