"""Limit of the memory that the incomplete requests of all connections hold together."""

from typing import Final, Protocol

_MAX_BYTES: Final = 64 * 1024 * 1024
"""Bytes that all incomplete requests together may hold."""


class Receiver(Protocol):
    """A connection with an incomplete request."""

    def refuse_overload(self, limit: int) -> None:
        """Refuse the request, because all incomplete requests together hold more than `limit` bytes."""


class IncompleteRequests:
    """The connections with an incomplete request, oldest request first, and the bytes that each holds."""

    def __init__(self) -> None:
        self._held: dict[Receiver, tuple[float, int]] = {}
        self._total = 0

    def update(self, receiver: Receiver, size: int, now: float) -> None:
        """Record how many bytes a connection holds now. Above the limit the oldest requests are refused."""
        began, before = self._held.get(receiver, (now, 0))
        self._held[receiver] = began, size
        self._total += size - before
        while self._total > _MAX_BYTES and self._held:
            oldest = next(iter(self._held))
            self.remove(oldest)
            oldest.refuse_overload(_MAX_BYTES)

    def remove(self, receiver: Receiver) -> None:
        """Forget the request of a connection: it is complete or was dropped. Without one, nothing happens."""
        self._total -= self._held.pop(receiver, (0.0, 0))[1]

    def began(self, receiver: Receiver) -> float | None:
        """Time of the loop at which the first bytes of the request arrived; None without an incomplete request."""
        held = self._held.get(receiver)
        return None if held is None else held[0]
