"""Benchmarks. Each compares with something else in the same run; no figure is asserted in a test."""
