"""The vendor's rules: accounts, sends, queues and delivery. No I/O."""
