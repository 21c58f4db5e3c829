"""The stores: implementations of `domain.store.Store` in memory, in an SQLite file and on a Valkey server."""
