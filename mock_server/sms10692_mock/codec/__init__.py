"""Codecs between bytes and values: charsets, forms, XML and JSON."""
