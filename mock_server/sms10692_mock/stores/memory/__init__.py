"""The memory store: data is lost when the process ends."""
