"""The clock of a run: real time, or a time that only waiting moves."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class RunClock:
    """What a run reads and how it waits: `monotonic` in seconds, `now` with its zone."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class TurnedClock:
    """A clock that starts at a given time and is moved only by waiting, so that nobody waits."""

    def __init__(self, start: datetime) -> None:
        self._start = start
        self.seconds = 0.0

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.seconds += seconds

    def now(self) -> datetime:
        """Return the time that the clock shows."""
        return self._start + timedelta(seconds=self.seconds)

    @property
    def run_clock(self) -> RunClock:
        """The clock for a run."""
        return RunClock(lambda: self.seconds, self.sleep, self.now)
