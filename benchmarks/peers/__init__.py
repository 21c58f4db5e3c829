"""Others who answer requests with what a test told them to, beside whom we are measured."""
