"""Everything below /_mock, and the console."""
