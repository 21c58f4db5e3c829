"""`Clock`: the clock of an emulator or of one account, for use in a test."""

from datetime import datetime, timedelta
from typing import Any

from sms10692_mock.testing.api_client import ControlApi


class Clock:
    """One clock. Every method returns the time shown afterwards. Times are timezone-aware datetimes."""

    def __init__(self, api: ControlApi, prefix: str) -> None:
        self._api = api
        self._path = f"{prefix}/clock"

    def now(self) -> datetime:
        """Return the time shown, in China Standard Time."""
        return _parse_now(self._api.get(self._path))

    def freeze(self, at: datetime | None = None) -> datetime:
        """Stop the clock, at the time shown or at `at`."""
        return self._put(mode="frozen", now=at and at.isoformat())

    def set(self, at: datetime | None = None, *, speed: float = 1.0) -> datetime:
        """Let the clock run from the time shown or from `at`, at `speed` seconds per second."""
        return self._put(mode="running", now=at and at.isoformat(), speed=speed)

    def real(self) -> datetime:
        """Remove every override: an account's clock then shows the emulator's time."""
        return self._put(mode="real")

    def advance(self, seconds: float | timedelta) -> datetime:
        """Move the clock forward."""
        amount = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
        return _parse_now(self._api.send("POST", f"{self._path}/advance", seconds=amount))

    def advance_to_next(self) -> datetime:
        """Move the clock forward to the next due report or reply. Raises ControlRefused if there is none."""
        return _parse_now(self._api.send("POST", f"{self._path}/advance", to="next"))

    def _put(self, **setting: Any) -> datetime:
        return _parse_now(self._api.send("PUT", self._path, **setting))


def _parse_now(document: Any) -> datetime:
    return datetime.fromisoformat(document["now"])
