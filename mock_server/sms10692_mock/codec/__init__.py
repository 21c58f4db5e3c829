"""Bytes to values and values to bytes: charsets, forms, XML and JSON."""
