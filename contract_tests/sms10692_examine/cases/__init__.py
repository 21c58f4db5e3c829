"""The cases: what a session does with a client, and what it expects. Their texts are in `client_cases.toml`."""
