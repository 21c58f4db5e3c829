"""Measurements, side by side with something else in the same run. No figure here is asserted anywhere."""
