"""Killing what must not forget, in the middle of its work, and counting afterwards: `python -m crash`.

Here belong the load (`clients`), what is killed (`scenes`), and the ledger of both sides (`ledgers`). A few kills of
each kind are in `test_crashes`; the figures of many are in `docs/reliability.md`.
"""
