"""Answers on their way out, those of one turn of the event loop together.

Here belongs when bytes are written. Many clients on one machine are then woken once, and the emulator has done with
their requests by then; of the time that a send takes under load, waking somebody was a fifth.
"""

import asyncio
from typing import Final

_MANY: Final = 4
"""Answers in the last turn from which the next wait for each other: fewer clients have time to ask again meanwhile."""


class WriteCoalescer:
    """What is to be written, in its order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[asyncio.WriteTransport, bytes, bool]] = []
        self._this_turn = 0
        self._last_turn = 0

    def write(self, transport: asyncio.WriteTransport, data: bytes, last: bool = False) -> None:
        """Write soon, and close the connection where it was the last on it."""
        if not self._this_turn:
            self._loop.call_soon(self._end_turn)
        self._this_turn += 1
        if self._last_turn >= _MANY:
            self._waiting.append((transport, data, last))
            return
        _write(transport, data, last)

    def flush(self) -> None:
        """Write now."""
        waiting, self._waiting = self._waiting, []
        for transport, data, last in waiting:
            _write(transport, data, last)

    def _end_turn(self) -> None:
        self._last_turn, self._this_turn = self._this_turn, 0
        self.flush()


def _write(transport: asyncio.WriteTransport, data: bytes, last: bool) -> None:
    if not transport.is_closing():
        transport.write(data)
        if last:
            transport.close()
