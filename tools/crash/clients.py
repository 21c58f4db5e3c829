"""Clients that send and fetch until they are stopped, and record the responses."""

import http.client
import re
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Thread
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import urlencode

Address: TypeAlias = tuple[str, int]

_SIGNATURE_FIELDS: Final = {"userid": "12", "timestamp": "20120701231212", "sign": "5cc68982f55ac74348e3d819f868fbe1"}
_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_TASK_ID: Final = re.compile(rb"<message>ok</message>.*?<taskID>(\d+)</taskID>", re.DOTALL)
_MOBILE: Final = re.compile(rb"<mobile>(\d+)</mobile>")
_TIMEOUT: Final = 10.0
_PAUSE: Final = 0.01


class ClientRecord(NamedTuple):
    """The responses that clients received. Each phone number is sent to once only, so a number identifies a message.

    - `acknowledged`: the numbers of each send whose response was `ok`
    - `unanswered`: the numbers of each send without such a response
    - `received`: the numbers of all reports received
    - `fetches`: one entry for each fetch without a response
    """

    acknowledged: list[list[str]]
    unanswered: list[list[str]]
    received: list[str]
    fetches: list[None]

    @classmethod
    def empty(cls) -> "ClientRecord":
        return cls([], [], [], [])

    def merge(self, other: "ClientRecord") -> "ClientRecord":
        """Return a record with the entries of both."""
        return ClientRecord(
            self.acknowledged + other.acknowledged,
            self.unanswered + other.unanswered,
            self.received + other.received,
            self.fetches + other.fetches,
        )


class CrashClient(Thread):
    """A client thread: sends twice, fetches once, and so on until `stop` is set.

    `get_address` is called before each connection, because the address changes when the emulator is restarted.
    """

    def __init__(self, number: int, get_address: Callable[[], Address], stop: Event) -> None:
        super().__init__(daemon=True)
        self.record = ClientRecord.empty()
        self._number = number
        self._get_address = get_address
        self._stop_requested = stop
        self._sends = 0

    def run(self) -> None:
        while not self._stop_requested.is_set():
            with suppress(OSError, http.client.HTTPException):
                self._use_one_connection()
            self._stop_requested.wait(_PAUSE)

    def _use_one_connection(self) -> None:
        """Send and fetch on one connection until the connection breaks."""
        connection = http.client.HTTPConnection(*self._get_address(), timeout=_TIMEOUT)
        connection.connect()
        try:
            while not self._stop_requested.is_set():
                self._send(connection)
                self._send(connection)
                fetch(connection, self.record)
        finally:
            connection.close()

    def _send(self, connection: http.client.HTTPConnection) -> None:
        self._sends += 1
        numbers = [f"13{self._number}{self._sends:07}{index}" for index in range(1 + self._sends % 3)]
        self.record.unanswered.append(numbers)
        status, body = _post(connection, "/v2sms.aspx", action="send", mobile=",".join(numbers), content="您好")
        if status == http.client.OK and _TASK_ID.search(body):
            self.record.acknowledged.append(self.record.unanswered.pop())


def fetch(connection: http.client.HTTPConnection, record: ClientRecord) -> bool:
    """Fetch up to 7 reports. Returns whether there may be more."""
    record.fetches.append(None)
    status, body = _post(connection, "/v2statusApi.aspx", action="query", statusNum="7")
    if status != http.client.OK:
        return True
    record.fetches.pop()
    received = [mobile.decode() for mobile in _MOBILE.findall(body)]
    record.received.extend(received)
    return bool(received)


def _post(connection: http.client.HTTPConnection, path: str, **fields: str) -> tuple[int, bytes]:
    connection.request("POST", path, urlencode(_SIGNATURE_FIELDS | fields), _HEADERS)
    response = connection.getresponse()
    return response.status, response.read()
