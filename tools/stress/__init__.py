"""Stress and crash tests: many kinds of clients against one emulator, and a comparison of records afterwards.

- `behaviours`: what each kind of client does (normal, aborting, idle, slow, fault toggler, ...)
- `probe`: a client in its own process, whose latency is measured
- `oracle`: compares the responses that the clients received with the records of the emulator
- `comparison`: fetches what is left in the queues, and reads the records of the emulator for the oracle
- `run`: the stress test, all kinds of clients and faults at once
- `crash`: the crash test, normal clients while the emulator or its Valkey server is killed

`python -m stress` (`make stress`) and `python -m stress.crash` (`make test-crash`) are the commands;
`tests/tools/test_stress_tool.py` and `test_crash_tool.py` run small versions. The results are in `docs/reliability.md`.
"""
