"""Command line `sms10692`: one subcommand per operation, with tables for people and JSON lines for scripts.

- `main` runs a command and chooses the exit code (`exit_codes`, `errors`).
- `commands` defines the subcommands, `options` the options that several of them have.
- `fetching` fetches from the queues, `output` prints.
"""
