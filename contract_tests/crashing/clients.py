"""Clients that send and fetch until the emulator is gone, and remember what they were told.

Here belongs one client. How many there are, and what must hold of what they remember, is in `killing`.
"""

import http.client
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from emulators import CREDENTIALS, STATUS, UTF8, Address

NUMBERS_A_SEND = 3
_FORM = "&".join(f"{name}={value}" for name, value in CREDENTIALS.items())
_HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Memory:
    """What all clients together were told, and what they asked without being told. Numbers are never sent to twice."""

    acknowledged: dict[str, list[str]] = field(default_factory=dict)
    """By task, the numbers of a send that was answered."""
    unanswered_sends: list[list[str]] = field(default_factory=list)
    reports: list[tuple[str, str]] = field(default_factory=list)
    """Task and number of each report, as they came."""
    unanswered_fetches: int = 0
    refusals: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: "count[int]" = field(default_factory=lambda: count(13_000_000_000))

    def next_numbers(self) -> list[str]:
        with self.lock:
            return [str(next(self._numbers)) for _ in range(NUMBERS_A_SEND)]


def sender(address: Address, memory: Memory) -> None:
    """Send until the connection breaks."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    while True:
        numbers = memory.next_numbers()
        try:
            answer = _asked(connection, UTF8, f"action=send&content=x&mobile={','.join(numbers)}&{_FORM}")
        except (OSError, http.client.HTTPException):
            with memory.lock:
                memory.unanswered_sends.append(numbers)
            return
        task = re.search(r"<returnstatus>Success<.*<taskID>(\d+)<", answer, re.DOTALL)
        with memory.lock:
            if task:
                memory.acknowledged[task[1]] = numbers
            else:
                memory.refusals.append(answer)


def fetcher(address: Address, memory: Memory) -> None:
    """Fetch until the connection breaks."""
    connection = http.client.HTTPConnection(*address, timeout=10)
    while fetch(connection, memory) is not None:
        pass


def fetch(connection: http.client.HTTPConnection, memory: Memory) -> int | None:
    """Fetch some reports; how many, or None where no answer came."""
    try:
        answer = _asked(connection, STATUS, f"action=query&statusNum=40&{_FORM}")
    except (OSError, http.client.HTTPException):
        with memory.lock:
            memory.unanswered_fetches += 1
        return None
    reports = re.findall(r"<mobile>(\d+)</mobile>\s*<taskid>(\d+)<", answer)
    with memory.lock:
        memory.reports += [(task, mobile) for mobile, task in reports]
        if "<errorstatus>" in answer:
            memory.refusals.append(answer)
    return len(reports)


def _asked(connection: http.client.HTTPConnection, path: str, form: str) -> str:
    connection.request("POST", path, form, _HEADERS)
    return connection.getresponse().read().decode()


CLIENTS: tuple[Callable[[Address, Memory], None], ...] = (*[sender] * 5, *[fetcher] * 3)
"""Those that are at work at once."""
