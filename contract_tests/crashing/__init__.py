"""Emulators that are killed at work, again and again, and what is left of what they had promised.

Here belongs a crash test as a program: `python -m crashing`, in the folder above. `test_crashing` does a few rounds.
"""
