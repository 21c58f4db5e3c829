"""The store on a Valkey or Redis server, or a cluster: nothing of it is imported until an address asks for it."""
