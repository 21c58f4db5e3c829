"""The clock of an emulator, or of one account, in the hands of a test.

Here belongs turning it. What happens at which moment is the emulator's affair.
"""

from datetime import datetime, timedelta
from typing import Any

from sms10692_mock.testing.api_client import ControlApi


class Clock:
    """One clock. Every method returns the moment that it shows afterwards; the moments that it takes are aware."""

    def __init__(self, connection: ControlApi, prefix: str) -> None:
        self._connection = connection
        self._path = f"{prefix}/clock"

    def now(self) -> datetime:
        """What it shows, in China Standard Time."""
        return _shown(self._connection.get(self._path))

    def freeze(self, at: datetime | None = None) -> datetime:
        """Let it stand still, now or at a moment."""
        return self._put(mode="frozen", now=at and at.isoformat())

    def set(self, at: datetime | None = None, *, speed: float = 1.0) -> datetime:
        """Let it run from now or from a moment, at so many seconds a second."""
        return self._put(mode="running", now=at and at.isoformat(), speed=speed)

    def real(self) -> datetime:
        """Undo all turning: an account's then shows what the emulator's shows."""
        return self._put(mode="real")

    def advance(self, seconds: float | timedelta) -> datetime:
        """Put it forward."""
        wanted = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        return _shown(self._connection.send("POST", f"{self._path}/advance", seconds=wanted))

    def advance_to_next(self) -> datetime:
        """Put it forward to the next report or reply that falls due. Raises ControlRefused where there is none."""
        return _shown(self._connection.send("POST", f"{self._path}/advance", to="next"))

    def _put(self, **setting: Any) -> datetime:
        return _shown(self._connection.send("PUT", self._path, **setting))


def _shown(document: Any) -> datetime:
    return datetime.fromisoformat(document["now"])
