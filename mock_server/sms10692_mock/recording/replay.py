"""Replay of a recording: a request that was recorded gets the recorded response, once.

A request matches by endpoint and parameters, without timestamp and signature, wherever it has them and however they are
encoded. Of several that match, the first is used up first.
"""

import re
import threading
from collections import deque
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.codec.charsets import DECODERS
from sms10692_mock.codec.forms import parse_fields
from sms10692_mock.domain.api_request import match_endpoint
from sms10692_mock.domain.bounds import MAX_TASK_ID
from sms10692_mock.recording.exchange_folder import (
    REQUEST,
    STATE,
    InvalidExchange,
    StoredExchange,
    find_exchanges,
    read_exchange,
)
from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.http1_parser import ParsedRequest, RequestParser
from sms10692_mock.server.http_types import Response

HEADER: Final = "X-Mock-Replay"
"""Header of a replayed response: the name of the exchange."""

_BEFORE_HEAD: Final = -1
"""`Response.truncate_at` of a response that never begins."""

_Key: TypeAlias = tuple[Endpoint, bool, tuple[tuple[str, str], ...]]
"""Endpoint, whether the method is HEAD, and parameters."""

_CHANGING: Final = frozenset(protocol.SIGNED.parameters[1:])
_TASK: Final = re.compile(rb'(?:<taskID>|"TaskID": ?"?)([0-9]{1,18})', re.IGNORECASE)


class ReplayedResponse(NamedTuple):
    """A recorded response, and the name of its exchange."""

    exchange: str
    response: Response


class Replay:
    """The exchanges of a recording that are not used up. The methods may be called from any thread.

    `state_file` is the start state beside them, if there is one. `last_task_id` is the greatest task number in them.
    """

    def __init__(self, folder: Path) -> None:
        """Read a recording. Raises ValueError with a message for the user, and OSError."""
        self._lock = threading.Lock()
        self._waiting: dict[_Key, deque[ReplayedResponse]] = {}
        self.last_task_id = 0
        folders = find_exchanges(folder)
        if not folders:
            raise ValueError(f"{folder} contains no recorded exchange: a folder with {REQUEST}")
        for each in folders:
            exchange = read_exchange(each)
            self._add(exchange, each)
        state = folder / STATE
        self.state_file = state if state.exists() else None

    def _add(self, exchange: StoredExchange, folder: Path) -> None:
        if not exchange.is_whole:
            return
        request = _parse_request(exchange.request, folder)
        endpoint = None if request is None else match_endpoint(request.head.path)
        if request is not None and endpoint is not None:
            head = request.head
            content_type = head.headers_lower.get("content-type", "")
            key = _build_key(endpoint, head.method, head.query, content_type, request.body)
            self._waiting.setdefault(key, deque()).append(ReplayedResponse(exchange.name, _build_response(exchange)))
        for found in _TASK.finditer(exchange.body):
            if int(found[1]) <= MAX_TASK_ID:
                self.last_task_id = max(self.last_task_id, int(found[1]))

    def take(
        self, endpoint: Endpoint, method: str, query: bytes, content_type: str, body: bytes
    ) -> ReplayedResponse | None:
        """Return the response to a request, and use it up; None if none was recorded."""
        key = _build_key(endpoint, method, query, content_type, body)
        with self._lock:
            waiting = self._waiting.get(key)
            return waiting.popleft() if waiting else None

    @property
    def count(self) -> int:
        """How many responses are not used up."""
        with self._lock:
            return sum(map(len, self._waiting.values()))


def _parse_request(raw: bytes, folder: Path) -> ParsedRequest | None:
    """Parse a stored request; None if it is no HTTP/1. Raises InvalidExchange if it is incomplete."""
    parser = RequestParser()
    parser.feed(raw)
    try:
        parsed = parser.next_request()
    except BadRequest:
        return None
    if parsed is None:
        raise InvalidExchange(f"{folder / REQUEST}: the request is incomplete")
    return parsed


def _build_key(endpoint: Endpoint, method: str, query: bytes, content_type: str, body: bytes) -> _Key:
    fields = parse_fields(query, content_type, body, DECODERS[endpoint.charset])
    parameters = sorted((name, value) for name, value in fields.items() if name not in _CHANGING)
    return endpoint, method == "HEAD", tuple(parameters)


def _build_response(exchange: StoredExchange) -> Response:
    """Build the response, which breaks off where the recorded one did."""
    headers = [] if exchange.content_type is None else [("Content-Type", exchange.content_type)]
    headers += [("Content-Length", str(exchange.length)), (HEADER, exchange.name)]
    if not exchange.status:
        return Response(200, headers, b"", truncate_at=_BEFORE_HEAD)
    if exchange.outcome == "complete":
        return Response(exchange.status, headers, exchange.body)
    # One byte more than is sent: what was announced may be any number.
    return Response(exchange.status, headers, exchange.body + b"\0", truncate_at=len(exchange.body))
