"""Clients that send and fetch without end, and write down what they were told.

Here belongs what a client knows: what was acknowledged, what it received, and which of its requests got no answer.
"""

import http.client
import re
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlencode

Address: TypeAlias = tuple[str, int]

_SIGNED: Final = {"userid": "12", "timestamp": "20120701231212", "sign": "5cc68982f55ac74348e3d819f868fbe1"}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_TASK_ID: Final = re.compile(rb"<message>ok</message>.*?<taskID>(\d+)</taskID>", re.DOTALL)
_MOBILE: Final = re.compile(rb"<mobile>(\d+)</mobile>")
_PATIENCE: Final = 10.0
_PAUSE: Final = 0.01


class ClientRecord(NamedTuple):
    """What clients know: no number is sent to twice, so a number says which message it was.

    `acknowledged` and `unanswered` are the numbers of each send that was answered with ok, or not so; `received` those
    of all reports; `fetches` how many fetches got no answer.
    """

    acknowledged: list[list[str]]
    unanswered: list[list[str]]
    received: list[str]
    fetches: list[None]

    @classmethod
    def empty(cls) -> "ClientRecord":
        return cls([], [], [], [])

    def and_those(self, other: "ClientRecord") -> "ClientRecord":
        """All that both know."""
        return ClientRecord(
            self.acknowledged + other.acknowledged,
            self.unanswered + other.unanswered,
            self.received + other.received,
            self.fetches + other.fetches,
        )


class CrashClient(Thread):
    """The `number`-th client. It speaks to `address`, which may change, as long as it is not to `stop`."""

    def __init__(self, number: int, address: Callable[[], Address], stop: Event) -> None:
        super().__init__(daemon=True)
        self.notes = ClientRecord.empty()
        self._number = number
        self._address = address
        self._stop_now = stop
        self._sends = 0

    def run(self) -> None:
        while not self._stop_now.is_set():
            with suppress(OSError, http.client.HTTPException):
                self._visit()
            self._stop_now.wait(_PAUSE)

    def _visit(self) -> None:
        """Speak on one connection until it breaks."""
        connection = http.client.HTTPConnection(*self._address(), timeout=_PATIENCE)
        connection.connect()
        try:
            while not self._stop_now.is_set():
                self._send(connection)
                self._send(connection)
                fetch(connection, self.notes)
        finally:
            connection.close()

    def _send(self, connection: http.client.HTTPConnection) -> None:
        self._sends += 1
        numbers = [f"13{self._number}{self._sends:07}{place}" for place in range(1 + self._sends % 3)]
        self.notes.unanswered.append(numbers)
        status, body = _asked(connection, "/v2sms.aspx", action="send", mobile=",".join(numbers), content="您好")
        if status == http.client.OK and _TASK_ID.search(body):
            self.notes.acknowledged.append(self.notes.unanswered.pop())


def fetch(connection: http.client.HTTPConnection, notes: ClientRecord) -> bool:
    """Fetch some reports, and say whether there may be more."""
    notes.fetches.append(None)
    status, body = _asked(connection, "/v2statusApi.aspx", action="query", statusNum="7")
    if status != http.client.OK:
        return True
    notes.fetches.pop()
    received = [mobile.decode() for mobile in _MOBILE.findall(body)]
    notes.received.extend(received)
    return bool(received)


def _asked(connection: http.client.HTTPConnection, path: str, **fields: str) -> tuple[int, bytes]:
    connection.request("POST", path, urlencode(_SIGNED | fields), _FORM)
    response = connection.getresponse()
    return response.status, response.read()
