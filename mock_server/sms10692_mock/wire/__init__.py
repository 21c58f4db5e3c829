"""The bytes of the wire: reading requests, writing answers. Pure functions; nothing here knows a socket."""
