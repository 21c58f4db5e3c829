"""Stress test: many kinds of clients and injected faults against one emulator, and a comparison of records afterwards.

- `connections`: HTTP over a socket, with connections broken on purpose
- `behaviours`: what each kind of client does (normal, aborting, idle, slow, fault toggler, ...)
- `probe`: a client in its own process, whose latency is measured
- `oracle`: compares the responses that the clients received with the records of the emulator
- `run`: starts the emulator, runs all clients, drains the queues, and compares

`python -m stress` (`make stress`) is the command; `tests/tools/test_stress_tool.py` runs a small version.
"""
