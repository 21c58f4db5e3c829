"""Helpers, fixtures and fakes that several test modules use."""
