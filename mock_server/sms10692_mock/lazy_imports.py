"""Imports that wait until they are needed, so that the start does not wait for them.

Here belongs their lock. Threads that import parts of one package for the first time, which import each other, find
half of what they look for.
"""

from threading import RLock
from typing import Final

LAZY_IMPORT_LOCK: Final = RLock()
"""Held while something is imported late."""
