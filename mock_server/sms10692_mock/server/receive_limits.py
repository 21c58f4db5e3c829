"""Limits of incomplete requests and slow clients: times of each connection, and the memory of all together."""

from typing import Final, NamedTuple, Protocol

_MAX_INCOMPLETE_BYTES: Final = 64 * 1024 * 1024


class ConnectionLimits(NamedTuple):
    """Limits of the connections of a server, in seconds and bytes.

    `stalled` is how long an incomplete request may receive nothing, `receive` the time from its first byte to its last,
    `unread` how long a client may read nothing of a response; all three are checked every `sweep` seconds.
    `incomplete_bytes` is what all incomplete requests together may hold.
    """

    stalled: float = 30.0
    receive: float = 120.0
    unread: float = 60.0
    sweep: float = 7.5
    incomplete_bytes: int = _MAX_INCOMPLETE_BYTES


class Receiver(Protocol):
    """A connection with an incomplete request."""

    def refuse_overload(self, limit: int) -> None:
        """Refuse the request, because all incomplete requests together hold more than `limit` bytes."""


class IncompleteRequests:
    """The connections with an incomplete request, oldest request first, and the bytes that each holds."""

    def __init__(self, max_bytes: int = _MAX_INCOMPLETE_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held: dict[Receiver, tuple[float, int]] = {}
        self._total = 0

    def update(self, receiver: Receiver, size: int, now: float) -> None:
        """Record how many bytes a connection holds now. Above the limit the oldest requests are refused."""
        began, before = self._held.get(receiver, (now, 0))
        self._held[receiver] = began, size
        self._total += size - before
        while self._total > self._max_bytes and self._held:
            oldest = next(iter(self._held))
            self.remove(oldest)
            oldest.refuse_overload(self._max_bytes)

    def remove(self, receiver: Receiver) -> None:
        """Forget the request of a connection: it is complete or was dropped. Without one, nothing happens."""
        self._total -= self._held.pop(receiver, (0.0, 0))[1]

    def began(self, receiver: Receiver) -> float | None:
        """Time of the loop at which the first bytes of the request arrived; None without an incomplete request."""
        held = self._held.get(receiver)
        return None if held is None else held[0]
