"""The memory and the time that unfinished requests take, over all connections together."""

from typing import Final, Protocol

_MOST: Final = 64 * 1024 * 1024
"""Bytes that all unfinished requests together may hold."""


class Receiver(Protocol):
    """A connection on which a request is being received."""

    def refuse_overload(self, most: int) -> None:
        """Refuse the request, as more than so many bytes are being received at the same time."""


class Receiving:
    """The connections on which part of a request is there, the one that began first in front."""

    def __init__(self) -> None:
        self._held: dict[Receiver, tuple[float, int]] = {}
        self._total = 0

    def hold(self, receiver: Receiver, size: int, now: float) -> None:
        """Note how many bytes a connection holds now. Where that is too much, those are refused that began first."""
        began, before = self._held.get(receiver, (now, 0))
        self._held[receiver] = began, size
        self._total += size - before
        while self._total > _MOST and self._held:
            oldest = next(iter(self._held))
            self.forget(oldest)
            oldest.refuse_overload(_MOST)

    def forget(self, receiver: Receiver) -> None:
        """The request is there, or nothing of it is kept. Of no effect where none had begun."""
        self._total -= self._held.pop(receiver, (0.0, 0))[1]

    def began(self, receiver: Receiver) -> float | None:
        """When the first part of the request came, by the clock of the loop."""
        held = self._held.get(receiver)
        return None if held is None else held[0]
