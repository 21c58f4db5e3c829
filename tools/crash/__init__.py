"""Crash recovery test: kill emulators and Valkey servers under load, then compare the clients' records with the store.

`python -m crash` (`make test-crash`) kills each kind many times; the results are in `docs/reliability.md`. A few kills
of each kind are part of the tests (`tests/tools/test_crash_tool.py`).

- `clients`: the load, and the record of each client
- `scenarios`: the processes that are killed and restarted
- `run`: load, kills, recovery
- `oracle`: the comparison afterwards
"""
