"""Change notifications, and waits for a condition.

A wait blocks its thread. A server that can wait without a thread calls the application inside `deferring()`: each wait
then returns after its first evaluation, and the server finds a `Wait` that describes what to wait for.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, NamedTuple, TypeVar

from sms10692_mock.elapsed_time import monotonic, sleep

ValueT = TypeVar("ValueT")

POLL_SECONDS: Final = 0.25
"""Polling interval for changes that no notification announces: by the clock, or by another process."""


class Wait(NamedTuple):
    """A deferred wait of at most `seconds`, counted from the first evaluation.

    `changes_seen` and `wakeups_seen` are the notifier's counters before that evaluation. `is_satisfied` evaluates the
    condition again and may raise what the condition raises; if None, any change ends the wait. Without a `notifier`
    only time passes.
    """

    seconds: float
    notifier: "ChangeNotifier | None" = None
    userid: str | None = None
    changes_seen: int = 0
    wakeups_seen: int = 0
    is_satisfied: Callable[[], bool] | None = None
    polls: bool = False


_DEFERRED: ContextVar[list[Wait] | None] = ContextVar("deferred", default=None)


@contextmanager
def deferring() -> Iterator[list[Wait]]:
    """Context manager: waits of this thread are recorded in the returned list and do not block."""
    waits: list[Wait] = []
    token = _DEFERRED.set(waits)
    try:
        yield waits
    finally:
        _DEFERRED.reset(token)


def is_deferring() -> bool:
    """Return whether waits are deferred at this point."""
    return _DEFERRED.get() is not None


def pause(seconds: float) -> None:
    """Wait for `seconds`; deferrable."""
    waits = _DEFERRED.get()
    if waits is None:
        sleep(seconds)
    else:
        waits.append(Wait(seconds))


class _Subscriber(NamedTuple):
    userid: str | None
    wake: Callable[[], None]


class ChangeNotifier:
    """Wakes threads that wait for a change. Notifying is nearly free while nobody waits.

    `changes` counts the notifications, `wakeups` the calls of `wake_all`.

    **Notify after the store's commit, never before**: a woken thread reads the store at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscribers: tuple[_Subscriber, ...] = ()
        self.changes = 0
        self.wakeups = 0

    @property
    def waiting(self) -> int:
        """The number of subscribers."""
        return len(self._subscribers)

    def notify(self, userid: str | None = None) -> None:
        """Announce a change in this account (None: in any account). Waiting threads evaluate their conditions again."""
        self.changes += 1
        for subscriber in self._subscribers:
            if userid is None or subscriber.userid is None or subscriber.userid == userid:
                subscriber.wake()

    def wake_all(self) -> None:
        """End all current waits after one more evaluation each."""
        self.wakeups += 1
        self.notify()

    @contextmanager
    def subscribed(self, userid: str | None, wake: Callable[[], None]) -> Iterator[None]:
        """Context manager: `wake` is called at each change in this account, or in any account if None.

        **`wake` runs on the thread that made the change, so it must not block.**
        """
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
        read: Callable[[], ValueT],
        is_satisfied: Callable[[ValueT], bool],
        seconds: float,
        *,
        userid: str | None = None,
        polls: bool = False,
    ) -> ValueT:
        """Return the value of `read()` as soon as `is_satisfied(value)` holds, or the last value after `seconds`.

        `read` is called again after each change in the account (None: in any account). With `polls` it is also called
        every `POLL_SECONDS`, for changes by the clock or by another process.
        """
        until, changes, wakeups = monotonic() + seconds, self.changes, self.wakeups
        value = read()
        if seconds <= 0 or is_satisfied(value):
            return value
        waits = _DEFERRED.get()
        if waits is not None:
            waits.append(Wait(seconds, self, userid, changes, wakeups, lambda: is_satisfied(read()), polls))
            return value
        changed = threading.Event()
        with self.subscribed(userid, changed.set):
            is_due = self.changes != changes  # changed since the first evaluation
            while True:
                remaining = until - monotonic()
                if not is_due and remaining > 0 and self.wakeups == wakeups:
                    changed.wait(min(remaining, POLL_SECONDS) if polls else remaining)
                is_due = False
                changed.clear()
                value = read()
                if is_satisfied(value) or until <= monotonic() or self.wakeups != wakeups:
                    return value

    def wait_for_change(self, changes_seen: int, seconds: float) -> None:
        """Wait until `changes` differs from `changes_seen`, at most `seconds`.

        There is no subscription between two calls. A caller that pauses between calls is therefore woken once per
        pause, however many changes there are.
        """
        if self.changes != changes_seen:
            return
        waits = _DEFERRED.get()
        if waits is not None:
            waits.append(Wait(seconds, self, changes_seen=changes_seen, wakeups_seen=self.wakeups))
            return
        changed = threading.Event()
        with self.subscribed(None, changed.set):
            if self.changes == changes_seen:
                changed.wait(seconds)
