"""The lock of imports inside functions.

Without the lock, two threads that import mutually dependent modules for the first time can see a partially initialised
module.
"""

from threading import RLock
from typing import Final

LAZY_IMPORT_LOCK: Final = RLock()
"""**Hold this lock during every import inside a function that several threads may call.** Reentrant."""
