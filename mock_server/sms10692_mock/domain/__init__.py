"""The vendor: accounts, sends, queues and rules. No I/O."""
