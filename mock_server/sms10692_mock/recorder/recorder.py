"""Masks captured exchanges and writes them into a folder, on one thread, in the order in which they ended.

**No exchange is dropped.** What cannot be written, because the disk is full, stays in memory and is tried again with
each later exchange, every few seconds, and at the end. The start state is written every few seconds and at the end.
"""

import queue
import re
import threading
import traceback
import zlib
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

from sms10692 import protocol
from sms10692.protocol import Operation
from sms10692.signing import sign
from sms10692_mock.codec.forms import Fields
from sms10692_mock.domain.api_request import ApiRequest, parse_request
from sms10692_mock.domain.keywords import Keywords
from sms10692_mock.elapsed_time import monotonic
from sms10692_mock.recorder.captured_body import BODY_LIMIT, TOO_LONG
from sms10692_mock.recorder.exchange_writer import RecordedExchange, replace_file, write_exchange
from sms10692_mock.recorder.http_framing import find_chunks
from sms10692_mock.recorder.masks import Masks
from sms10692_mock.recorder.request_mask import (
    CapturedRequest,
    choose_mask,
    is_signature,
    list_dropped_headers,
    mask_request,
)
from sms10692_mock.recorder.response_mask import (
    find_forbidden_words,
    find_messages,
    find_values,
    is_binary,
    mask_response_body,
)
from sms10692_mock.recorder.start_state import MaskedAccount, StartState
from sms10692_mock.recorder.wire_text import CODECS
from sms10692_mock.recording.exchange_folder import LENGTH, REQUEST, STATE, Outcome

_RETRY_SECONDS: Final = 5.0
_SECRET_PARAMETERS: Final = (protocol.PASSWORD.parameters[1], protocol.PASSWORD.parameters[2])
_UNKNOWN: Final = "other"
_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_COMPRESSIONS: Final = ("gzip", "x-gzip", "deflate")
_CHUNKED, _IDENTITY = "chunked", "identity"
_STATUS: Final = re.compile("[1-9][0-9]{2}")
_RETURN_STATUS: Final = protocol.SEND.elements[0].lower()
_SUCCESSES: Final = frozenset(operation.success for operation in protocol.OPERATIONS if operation.success)
_ACCOUNT_MESSAGES: Final = frozenset((protocol.NOTHING_FORBIDDEN, protocol.BALANCE_TOO_SMALL, protocol.NO_RECORDS))
"""Messages that only a request with right credentials gets, as one about a forbidden word is."""

_ERROR_NAMES: Final = frozenset((*protocol.ERROR_FIELDS, protocol.SEND.elements[1]))


class CapturedResponse(NamedTuple):
    """A response as it came, as far as it came: the head with the empty line, and the body with its chunk sizes.

    `not_stored` says why there is no body; it is empty otherwise.
    """

    head: bytes
    body: bytes
    not_stored: str = ""


@dataclass(slots=True, eq=False)
class CapturedExchange:
    """An exchange that has ended. `number` counts the requests in the order of their heads, from 1."""

    number: int
    time: datetime
    seconds: float
    outcome: Outcome
    request: CapturedRequest
    response: CapturedResponse | None


class _Signed(NamedTuple):
    """A stored request with a signature over the credentials that were assumed for its account."""

    exchange: str
    timestamp: str
    signature: str


class _ParsedResponse(NamedTuple):
    """`not_stored` says why the body is not stored; it is empty then."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    not_stored: str = ""


class Recorder:
    """Writes exchanges into `folder`. `words` are forbidden words that the user names. `report` gets problems.

    `count` is the number of exchanges on the disk, `failed` that of those which an internal error has lost.
    """

    def __init__(
        self,
        folder: Path,
        started: datetime,
        words: tuple[str, ...],
        report: Callable[[str], None],
        *,
        masks: Masks | None = None,
        retry_seconds: float = _RETRY_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._folder = folder
        self._report = report
        self._retry_seconds = retry_seconds
        self._masks = masks or Masks()
        self._masks.add_words(words)
        self._state = StartState(started)
        self._written_state = ""
        self._is_state_old = False
        self._clock = clock
        self._state_time = 0.0
        self._queue: queue.SimpleQueue[CapturedExchange | None] = queue.SimpleQueue()
        self._unwritten: deque[RecordedExchange] = deque()
        self._signed: dict[str, list[_Signed]] = {}
        """Signed requests by masked userid, until an older endpoint shows the account's name and password."""
        self._signed_again: deque[tuple[_Signed, str]] = deque()
        self._problem = ""
        self._thread = threading.Thread(target=self._run, name="recorder")
        self.count = self.failed = 0

    def start(self) -> None:
        """Write the start state as far as it is known, and start the thread. Raises OSError."""
        self._write_state()
        self._thread.start()

    def record(self, exchange: CapturedExchange) -> None:
        """Queue an exchange. May be called from any thread, and never blocks."""
        self._queue.put(exchange)

    def close(self) -> int:
        """Write what is left. Returns the number of exchanges and of signatures that could not be written."""
        self._queue.put(None)
        self._thread.join()
        return len(self._unwritten) + len(self._signed_again) + self.failed

    def _run(self) -> None:
        while True:
            try:
                is_waiting = self._problem or self._is_state_old
                exchange = self._queue.get(timeout=self._retry_seconds if is_waiting else None)
            except queue.Empty:
                self._write_all(is_state_due=True)
                continue
            if exchange is not None:
                self._mask_next(exchange)
                self._is_state_old = True
            is_state_due = exchange is None or self._clock() - self._state_time >= self._retry_seconds
            self._write_all(is_state_due=is_state_due)
            if exchange is None:
                return

    def _mask_next(self, exchange: CapturedExchange) -> None:
        """Mask an exchange. **An error here must not end the thread**: it is reported, and the next one is masked."""
        try:
            self._unwritten.append(self._mask(exchange))
        except Exception as error:  # whatever a client or vendor sent, the next exchanges are recorded
            self.failed += 1
            trace = "".join(traceback.format_exception(error))
            self._report(f"internal error: exchange {exchange.number} cannot be masked and is not stored\n{trace}")

    def _write_all(self, *, is_state_due: bool) -> None:
        """Write what is masked. **The state is written every few seconds only**: it grows with each exchange."""
        try:
            while self._unwritten:
                write_exchange(self._folder, self._unwritten[0])
                self._unwritten.popleft()
                self.count += 1
            while self._signed_again:
                self._replace_signature(*self._signed_again[0])
                self._signed_again.popleft()
            if is_state_due and self._is_state_old:
                self._write_state()
        except OSError as error:
            problem = error.strerror or str(error)
            if problem != self._problem:
                self._report(f"cannot write to {self._folder}: {problem}; exchanges stay in memory until it works")
            self._problem = problem
            return
        if self._problem:
            self._problem = ""
            self._report(f"{self._folder} can be written again; nothing was lost")

    def _replace_signature(self, signed: _Signed, signature: str) -> None:
        file = self._folder / signed.exchange / REQUEST
        replace_file(file, file.read_bytes().replace(signed.signature.encode(), signature.encode()))

    def _write_state(self) -> None:
        text = self._state.format(self._masks.placeholders)
        if text != self._written_state:
            replace_file(self._folder / STATE, text.encode())
            self._written_state = text
        self._is_state_old = False
        self._state_time = self._clock()

    def _report_not_stored(self, number: int, message: str, reason: str) -> None:
        """Report a body that is too long to be stored: whoever replays the recording should know."""
        if reason == TOO_LONG:
            self._report(f"the body of the {message} of exchange {number} is not stored: {reason}")

    def _mask(self, exchange: CapturedExchange) -> RecordedExchange:
        request, endpoint = exchange.request, exchange.request.endpoint
        fields = request.parse_fields()
        parsed = None if endpoint is None else parse_request(endpoint, fields)
        operation = None if parsed is None else parsed.operation
        charset = "utf-8" if endpoint is None else endpoint.charset
        response = None if exchange.response is None else _parse_response(exchange.response)
        self._report_not_stored(exchange.number, "request", request.not_stored)
        self._report_not_stored(exchange.number, "response", "" if response is None else response.not_stored)
        body = b"" if response is None else response.body
        messages = find_messages(body, charset)
        is_accepted = operation is not None and _proves_credentials(
            operation, exchange.outcome, response, find_values(body, charset)
        )
        self._note_words(messages, "" if parsed is None else parsed.content)
        account = self._find_account(parsed, is_accepted)
        name = f"{exchange.number:04}-{_UNKNOWN if operation is None else operation.name}"
        self._sign(name, parsed, account)
        values = self._mask_values(fields, charset)
        stored_request = mask_request(request, self._masks)
        stored_response = b""
        if response is not None:
            masked = mask_response_body(body, charset, self._masks, values)
            content_type = self._masks.scrub(response.headers.get("content-type", ""))
            stored_response = _format_response(response, content_type, masked, exchange.outcome == "complete")
            is_refused = any(message not in _ACCEPTED for message in messages)
            if account is not None and operation is not None and is_accepted and not is_refused:
                self._state.observe(account.userid, operation, find_values(masked, charset))
                self._change_password(parsed, account)
        return RecordedExchange(
            name=name,
            clause=f"{operation.chapter}.3" if operation and operation.chapter else "",
            operation="" if operation is None else operation.name,
            time=exchange.time,
            seconds=exchange.seconds,
            outcome=exchange.outcome,
            request=stored_request,
            response=stored_response,
            dropped_headers=tuple(list_dropped_headers(request)),
            request_body_not_stored=request.not_stored,
            body_not_stored="" if response is None else response.not_stored,
        )

    def _mask_values(self, fields: Fields, charset: str) -> dict[str, str]:
        """Return the values of a request with their masks, as a response may repeat them: whole, in part, encoded."""
        values = {value: choose_mask(name, self._masks)(value) for name, value in fields.items() if value}
        for value in list(values):
            values |= self._masks.mask_runs(value)
        for codec in CODECS[charset], CODECS["utf-8"]:
            for value, masked in list(values.items()):
                encoded = (
                    quote(value, encoding=codec, errors="replace"),
                    quote(masked, encoding=codec, errors="replace"),
                )
                if encoded[0] != value:
                    values |= {encoded[0]: encoded[1], encoded[0].lower(): encoded[1].lower()}
        return values

    def _note_words(self, messages: list[str], content: str) -> None:
        """Note the forbidden words that a message names; else those of the usual list that a refused text contains."""
        words = find_forbidden_words(messages)
        if not words and any(message.startswith(protocol.FORBIDDEN_FOUND[:2]) for message in messages):
            usual = Keywords()
            while (found := usual.find(content)) is not None:
                words.append(found[0])
                content = content.replace(found[0], "")
        self._masks.add_words(words)

    def _find_account(self, request: ApiRequest | None, is_accepted: bool) -> MaskedAccount | None:
        """Return the account of a request whose credentials were accepted."""
        if request is None or not request.userid or not is_accepted:
            return None
        account = self._state.account(self._masks.mask_whole(request.userid))
        if request.endpoint.authentication is protocol.PASSWORD and not account.is_name_known:
            name, password = (request.fields.get(parameter, "") for parameter in _SECRET_PARAMETERS)
            if name and password:
                account.account, account.password = self._masks.mask_secret(name), self._masks.mask_secret(password)
                account.current_password, account.is_name_known = account.password, True
                for signed in self._signed.pop(account.userid, ()):
                    self._signed_again.append((signed, self._build_signature(account, signed.timestamp)))
        return account

    def _sign(self, exchange: str, request: ApiRequest | None, account: MaskedAccount | None) -> None:
        """Decide the mask of an accepted signature: the one over the masked credentials."""
        if request is None or account is None or request.endpoint.authentication is not protocol.SIGNED:
            return
        timestamp, given = (request.fields.get(name, "") for name in protocol.SIGNED.parameters[1:])
        if not is_signature(given):
            return
        timestamp = choose_mask(protocol.SIGNED.parameters[1], self._masks)(timestamp)
        signature = self._build_signature(account, timestamp)
        self._masks.set_mask(given, signature.upper() if given.upper() == given else signature)
        if not account.is_name_known:
            self._signed.setdefault(account.userid, []).append(_Signed(exchange, timestamp, signature))

    @staticmethod
    def _build_signature(account: MaskedAccount, timestamp: str) -> str:
        return sign(account.account, account.current_password, timestamp)

    def _change_password(self, request: ApiRequest | None, account: MaskedAccount) -> None:
        if request is not None and request.operation is protocol.CHANGESPWD and request.new_passwords[0]:
            account.current_password = self._masks.mask_secret(request.new_passwords[0])


def _proves_credentials(
    operation: Operation, outcome: Outcome, response: _ParsedResponse | None, values: list[tuple[str, str]]
) -> bool:
    """Return whether a response shows that the credentials are right: **anything else proves nothing.**

    Proofs are a success, a message that only such a request gets, and the document of a queue without an error.
    """
    if any(name == _RETURN_STATUS and value.strip() in _SUCCESSES for name, value in values):
        return True
    messages = [value.strip() for name, value in values if name in _ERROR_NAMES]
    if any(one in _ACCOUNT_MESSAGES or one.startswith(protocol.FORBIDDEN_BEGINNING) for one in messages):
        return True
    if not operation.item_element or messages or response is None or outcome != "complete":
        return False
    return response.status == HTTPStatus.OK and _has_queue(operation, response.body)


def _has_queue(operation: Operation, body: bytes) -> bool:
    """Return whether a body is a document of a queue: with the root, or in JSON with the name of its items."""
    lowered = body.lower()
    return any(mark.lower().encode() in lowered for mark in (f"<{protocol.ROOT}", f'"{operation.item_element}"'))


_ACCEPTED: Final = frozenset((protocol.OK, protocol.OVERAGE_FOUND, protocol.NOTHING_FORBIDDEN))


def _parse_response(response: CapturedResponse) -> _ParsedResponse:
    """Parse a response; its body is without chunks and compression."""
    line, *lines = response.head.decode("latin-1").rstrip("\r\n").split("\n")
    fields = (field.partition(":") for field in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in fields}
    body = response.body
    transfer_codings = _split_codings(headers.get("transfer-encoding", ""))
    if transfer_codings and transfer_codings[-1] == _CHUNKED:
        body = b"".join(body[start:end] for start, end in find_chunks(body))
        transfer_codings.pop()
    status = (line.split(" ")[1:] or [""])[0]
    code = int(status) if _STATUS.fullmatch(status) else 0
    if response.not_stored:
        return _ParsedResponse(code, headers, b"", response.not_stored)
    try:
        for coding in reversed([*_split_codings(headers.get("content-encoding", "")), *transfer_codings]):
            body = _decode(coding, body)
    except _UnreadableBody as error:
        return _ParsedResponse(code, headers, b"", str(error))
    if is_binary(body):
        return _ParsedResponse(code, headers, b"", "it is no text")
    return _ParsedResponse(code, headers, body)


class _UnreadableBody(Exception):
    """A body cannot be decoded, and so not be masked."""


def _split_codings(header: str) -> list[str]:
    codings = (coding.strip().lower() for coding in header.split(","))
    return [coding for coding in codings if coding and coding != _IDENTITY]


def _decode(coding: str, body: bytes) -> bytes:
    """Undo a content coding, as far as the body came. Raises _UnreadableBody."""
    if coding not in _COMPRESSIONS:
        raise _UnreadableBody("its encoding is not known")
    for bits in (_GZIP_OR_ZLIB, -zlib.MAX_WBITS):
        decompressor = zlib.decompressobj(bits)
        try:
            text = decompressor.decompress(body, BODY_LIMIT)
        except zlib.error:
            continue
        if decompressor.unconsumed_tail:
            raise _UnreadableBody(TOO_LONG)
        return text
    raise _UnreadableBody("it cannot be decompressed")


def _format_response(response: _ParsedResponse, content_type: str, body: bytes, is_complete: bool) -> bytes:
    """Write a response. Content-Length is that of the body; of a cut one, the announced length if it is greater."""
    announced = response.headers.get("content-length", "")
    is_announced = LENGTH.fullmatch(announced) and "content-encoding" not in response.headers
    length = len(body)
    if not is_complete or not (body or response.not_stored):
        length = max(length + (not is_complete), int(announced) if is_announced else 0)
    phrase = HTTPStatus(response.status).phrase if response.status in _STATUSES else "Unknown"
    lines = [f"HTTP/1.1 {response.status} {phrase}"]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


_STATUSES: Final = frozenset(map(int, HTTPStatus))
