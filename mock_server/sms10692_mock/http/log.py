"""The log of requests, a line each, written in batches.

Here belongs how lines get out. What a line says is made in `pages`; everything else that is to be logged goes through
`logging`, which takes longer over a line than the vendor over an answer.
"""

import threading
import time
from collections import deque
from functools import lru_cache
from typing import Final, TextIO

_EVERY: Final = 0.1
"""Seconds between two batches: a thread that wakes up keeps the one that answers from its work, ever so shortly."""
_KEPT: Final = 10_000
"""Lines that wait where nobody reads, as in a pipe that is full: beyond, the newest are lost, and counted."""
_PATIENCE: Final = 0.5
"""Seconds that the end waits for somebody to read."""


class Lines:
    """Takes lines from any thread and writes them every tenth of a second, each with the local time it came.

    Where nobody reads any more they are dropped: an emulator does not end because a pager did, nor wait for one.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._lines: deque[str] = deque()
        self._lost = 0
        self._some = threading.Event()
        self._hurried = threading.Event()
        self._written = threading.Event()
        self._written.set()
        threading.Thread(target=self._write_for_ever, name="log", daemon=True).start()

    def __call__(self, line: str) -> None:
        """Keep the line; it is written within `_EVERY` seconds."""
        if self._stream is None:
            return
        if len(self._lines) >= _KEPT:
            self._lost += 1
            return
        self._lines.append(f"{_clock(time.time())} {line}\n")
        if not self._some.is_set():
            self._written.clear()
            self._some.set()

    def flush(self) -> None:
        """Wait until all was written that there is; not for long, where nobody reads."""
        self._hurried.set()
        self._written.wait(_PATIENCE)

    def _write_for_ever(self) -> None:
        while self._some.wait():
            self._hurried.wait(_EVERY)
            self._some.clear()
            self._write()
            if not self._lines:
                self._written.set()

    def _write(self) -> None:
        texts = [self._lines.popleft() for _ in range(len(self._lines))]
        if self._lost:
            texts.append(f"{_clock(time.time())} {self._lost} lines are lost: nobody was reading\n")
            self._lost = 0
        if self._stream is not None:
            try:
                self._stream.write("".join(texts))
                self._stream.flush()
            except (OSError, ValueError):  # ValueError: it was closed
                self._stream = None
                self._lines.clear()


def _clock(moment: float) -> str:
    return f"{_second(int(moment))}.{int(moment * 1000) % 1000:03}"


@lru_cache(maxsize=1)
def _second(moment: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(moment))
