"""Something happened: for those who wait until there is what they want to see.

Here belongs waiting. What is waited for is looked at again by whoever waits.
"""

import threading
from collections.abc import Callable
from typing import Final, TypeVar

from sms10692_mock.elapsed_time import monotonic

Seen = TypeVar("Seen")

_LOOK_AGAIN: Final = 0.25
"""Seconds after which somebody who waits looks even if nobody rang: other processes may share the store."""


class Bell:
    """Rung after whatever may be waited for; costs next to nothing while nobody waits."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._waiting = 0
        self._rings = 0
        self._dismissals = 0

    def ring(self) -> None:
        """Let everybody who waits look again."""
        self._rings += 1
        if self._waiting:
            with self._condition:
                self._condition.notify_all()

    def dismiss(self) -> None:
        """Let everybody who waits now look once more and go."""
        self._dismissals += 1
        self.ring()

    def wait(self, look: Callable[[], Seen], enough: Callable[[Seen], bool], seconds: float) -> Seen:
        """What `look` returns as soon as it is `enough`, or after so many seconds what it returns then."""
        until = monotonic() + seconds
        dismissals = self._dismissals
        with self._condition:
            self._waiting += 1
        try:
            while True:
                rings = self._rings
                seen = look()
                left = until - monotonic()
                if left <= 0 or self._dismissals != dismissals or enough(seen):
                    return seen
                with self._condition:
                    if self._rings == rings:
                        self._condition.wait(min(left, _LOOK_AGAIN))
        finally:
            with self._condition:
                self._waiting -= 1

    def listen(self, heard: int, seconds: float) -> int:
        """How often it was rung: as soon as that is more than was `heard`, or after so many seconds.

        Between two calls nobody waits, and ringing costs next to nothing: who listens and then pauses is woken once
        a pause, however often it rings.
        """
        until = monotonic() + seconds
        with self._condition:
            self._waiting += 1
            try:
                while self._rings == heard and (left := until - monotonic()) > 0:
                    # A ring between the look and the wait is not lost for long.
                    self._condition.wait(min(left, _LOOK_AGAIN))
            finally:
                self._waiting -= 1
        return self._rings
