"""Change notifications: for whoever waits until there is what they want to see.

A wait blocks its thread. A server that can wait otherwise calls an application `deferring()`: then a wait returns after
its first look, and what it would have waited for is in a `Wait`.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple, TypeVar

from sms10692_mock.elapsed_time import monotonic, sleep

Seen = TypeVar("Seen")

LOOK_AGAIN: Final = 0.25
"""Seconds after which is looked again at what may change without a notification."""


class Wait(NamedTuple):
    """What was to be waited for, for so many seconds from the first look on.

    `rings` is how often the bell was rung before that look. `is_enough` looks again and may raise what the look
    raises; without it any change is enough. Without `bell` only the time passes.
    """

    seconds: float
    bell: "ChangeNotifier | None" = None
    userid: str | None = None
    rings: int = 0
    dismissals: int = 0
    is_enough: Callable[[], bool] | None = None
    polls: bool = False


_DEFERRED: ContextVar[list[Wait] | None] = ContextVar("deferred", default=None)


@contextmanager
def deferring() -> Iterator[list[Wait]]:
    """Inside, waits of this thread do not block but are listed."""
    waits: list[Wait] = []
    token = _DEFERRED.set(waits)
    try:
        yield waits
    finally:
        _DEFERRED.reset(token)


def is_deferring() -> bool:
    """Whether a wait would return at once."""
    return _DEFERRED.get() is not None


def pause(seconds: float) -> None:
    """Let so much time pass."""
    waits = _DEFERRED.get()
    if waits is None:
        sleep(seconds)
    else:
        waits.append(Wait(seconds))


class _Subscriber(NamedTuple):
    userid: str | None
    wake: Callable[[], None]


class ChangeNotifier:
    """Rung after whatever may be waited for; costs next to nothing while nobody waits.

    `rings` is how often it was rung, `dismissals` how often those who waited were told to go.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: tuple[_Subscriber, ...] = ()
        self.rings = 0
        self.dismissals = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._subscribers)

    def notify(self, userid: str | None = None) -> None:
        """Let those look again who wait for something of this account; without one, everybody."""
        self.rings += 1
        for subscriber in self._subscribers:
            if userid is None or subscriber.userid is None or subscriber.userid == userid:
                subscriber.wake()

    def wake_all(self) -> None:
        """Let everybody who waits now look once more and go."""
        self.dismissals += 1
        self.notify()

    @contextmanager
    def subscribed(self, userid: str | None, wake: Callable[[], None]) -> Iterator[None]:
        """Inside, `wake` is called at each change of this account, or of any, by the thread that made it."""
        subscriber = _Subscriber(userid, wake)
        with self._lock:
            self._subscribers = (*self._subscribers, subscriber)
        try:
            yield
        finally:
            with self._lock:
                self._subscribers = tuple(one for one in self._subscribers if one is not subscriber)

    def wait_for(
        self,
        look: Callable[[], Seen],
        enough: Callable[[Seen], bool],
        seconds: float,
        *,
        userid: str | None = None,
        polls: bool = False,
    ) -> Seen:
        """What `look` returns as soon as it is `enough`, or after so many seconds what it returns then.

        It looks again when something changed in the account, or in any; with `polls` four times a second too, for what
        changes without a notification: by the clock, or by another process.
        """
        until, rings, dismissals = monotonic() + seconds, self.rings, self.dismissals
        seen = look()
        if seconds <= 0 or enough(seen):
            return seen
        waits = _DEFERRED.get()
        if waits is not None:
            waits.append(Wait(seconds, self, userid, rings, dismissals, lambda: enough(look()), polls))
            return seen
        changed = threading.Event()
        with self.subscribed(userid, changed.set):
            is_due = self.rings != rings  # since the look
            while True:
                left = until - monotonic()
                if not is_due and left > 0 and self.dismissals == dismissals:
                    changed.wait(min(left, LOOK_AGAIN) if polls else left)
                is_due = False
                changed.clear()
                seen = look()
                if enough(seen) or until <= monotonic() or self.dismissals != dismissals:
                    return seen

    def wait_for_change(self, heard: int, seconds: float) -> None:
        """Wait until it was rung more often than was `heard`, or for so many seconds.

        Between two calls nobody waits, and ringing costs next to nothing: who listens and then pauses is woken once
        a pause, however often it rings.
        """
        if self.rings != heard:
            return
        waits = _DEFERRED.get()
        if waits is not None:
            waits.append(Wait(seconds, self, rings=heard, dismissals=self.dismissals))
            return
        changed = threading.Event()
        with self.subscribed(None, changed.set):
            if self.rings == heard:
                changed.wait(seconds)
