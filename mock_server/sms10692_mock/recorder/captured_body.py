"""The body of a message as it is captured: whole, or not at all if it is too long to be kept in memory."""

from typing import Final

BODY_LIMIT: Final = 64 * 1024 * 1024
"""Number of bytes of a body up to which it is stored."""

TOO_LONG: Final = f"it is longer than {BODY_LIMIT // 1024**2} MiB"


class CapturedBody:
    """Collects a body. One that grows beyond `BODY_LIMIT` bytes is dropped: **a part of it is no evidence.**"""

    def __init__(self) -> None:
        self._data = bytearray()
        self.not_stored = ""
        """Why the body is not stored; empty if it is."""

    def append(self, data: bytes) -> None:
        """Add bytes behind those that came before."""
        if self.not_stored:
            return
        if len(self._data) + len(data) > BODY_LIMIT:
            self.not_stored = TOO_LONG
            self._data.clear()
            return
        self._data += data

    def get_bytes(self) -> bytes:
        """Return what is stored."""
        return bytes(self._data)
