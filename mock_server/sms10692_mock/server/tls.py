"""TLS of a connection: decrypts for an `HttpProtocol` what arrives, and encrypts what it writes.

asyncio's own TLS neither reports a failed handshake nor recognises a client that speaks plain HTTP, and it cannot close
one side of a connection. A handshake may fail because of the client, so the log must say why.
"""

import asyncio
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, cast

from sms10692_mock.server.bad_request import NO_ALERT, BadRequest, explain_handshake, plain_on_tls
from sms10692_mock.server.http1_head import format_head
from sms10692_mock.server.http_types import Response, SocketAddresses
from sms10692_mock.server.protocol import HttpProtocol, read_addresses

_LINGER_SECONDS: Final = 2.0
"""Time for a client that spoke plain HTTP to read the response before the connection is closed."""

_HANDSHAKE_RECORD: Final = 0x16
"""First byte of every TLS connection."""

_BEGINNING_LIMIT: Final = 1024
"""Bytes of a connection without TLS that are kept for the log."""


class TlsTransport(asyncio.Transport):
    """The transport that an `HttpProtocol` writes to. Bytes are encrypted at once; the socket's transport buffers them.

    Unlike asyncio's, it can close its sending side: the client then reads the end of the stream, and may still write.
    """

    def __init__(self, raw: asyncio.Transport, session: ssl.SSLObject, outgoing: ssl.MemoryBIO) -> None:
        super().__init__()
        self._raw = raw
        self._session = session
        self._outgoing = outgoing
        self._is_ended = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._session if name == "ssl_object" else self._raw.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._raw.is_closing()

    def pause_reading(self) -> None:
        self._raw.pause_reading()

    def resume_reading(self) -> None:
        self._raw.resume_reading()

    def get_write_buffer_size(self) -> int:
        return self._raw.get_write_buffer_size()

    def can_write_eof(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._session.write(rest) :]
        self.flush()

    def write_eof(self) -> None:
        self._end()
        self._raw.write_eof()

    def close(self) -> None:
        if not self._raw.is_closing():
            self._end()
            self._raw.close()

    def abort(self) -> None:
        self._raw.abort()

    def flush(self) -> None:
        """Pass encrypted bytes to the socket's transport."""
        if (data := self._outgoing.read()) and not self._raw.is_closing():
            self._raw.write(data)

    def _end(self) -> None:
        """Send the message that ends the stream (`close_notify`), once."""
        if self._is_ended:
            return
        self._is_ended = True
        with suppress(ssl.SSLError):  # the client's own message has not arrived, and is not awaited
            self._session.unwrap()
        self.flush()


class TlsProtocol(asyncio.Protocol):
    """The server side of a connection at a TLS port, up to the end of the handshake and below an `HttpProtocol` then.

    `report` is called with the reason why no HTTP request could be read, the addresses, and the first bytes; it returns
    the response, which only a client that spoke plain HTTP gets. `connections` are those before their first request;
    a handshake may take `handshake_seconds`.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        create_http: Callable[[], HttpProtocol],
        report: Callable[[BadRequest, SocketAddresses, bytes], Response],
        connections: "set[TlsProtocol]",
        handshake_seconds: float,
    ) -> None:
        self._create_http = create_http
        self._report = report
        self._connections = connections
        self._handshake_seconds = handshake_seconds
        self._incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._outgoing = outgoing
        self._session = context.wrap_bio(self._incoming, outgoing, server_side=True)
        self._http: HttpProtocol | None = None
        self._received = b""
        self._is_ignoring = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._raw = cast(asyncio.Transport, transport)
        self._connections.add(self)
        self._timer = asyncio.get_running_loop().call_later(self._handshake_seconds, self._raw.abort)

    def data_received(self, data: bytes) -> None:
        if self._is_ignoring:
            return
        if self._http is not None:
            self._incoming.write(data)
            self._decrypt(self._http)
            return
        if not self._received and data[0] != _HANDSHAKE_RECORD:
            self._refuse_plain(data[:_BEGINNING_LIMIT])
            return
        self._received = self._received or data[:_BEGINNING_LIMIT]
        self._incoming.write(data)
        try:
            self._session.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLError as error:
            self._flush()  # the alert, which says why
            self._fail(error.reason or str(error))
            return
        self._timer.cancel()
        self._connections.discard(self)
        self._http = http = self._create_http()
        self._transport = TlsTransport(self._raw, self._session, self._outgoing)
        http.connection_made(self._transport)
        self._transport.flush()
        self._decrypt(http)

    def eof_received(self) -> bool:
        was_ignoring, self._is_ignoring = self._is_ignoring, True
        if self._http is None:
            if self._received and not was_ignoring:
                self._fail(NO_ALERT)
            return False
        return was_ignoring or self._http.eof_received()

    def connection_lost(self, error: Exception | None) -> None:
        self._timer.cancel()
        self._connections.discard(self)
        # The transport of asyncio refers to itself, see HttpProtocol.connection_lost.
        vars(self._raw).pop("_read_ready_cb", None)
        if self._http is not None:
            self._http.connection_lost(error)

    def pause_writing(self) -> None:
        if self._http is not None:
            self._http.pause_writing()

    def resume_writing(self) -> None:
        if self._http is not None:
            self._http.resume_writing()

    def abort(self) -> None:
        """Close at once."""
        self._raw.abort()

    def _decrypt(self, http: HttpProtocol) -> None:
        """Pass everything that can be decrypted to the HTTP connection."""
        while not self._raw.is_closing():
            buffer = http.get_buffer(-1)
            try:
                count = cast(int, self._session.read(len(buffer), buffer))  # with a buffer, a number
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:  # likewise, after the server has ended its side
                count = 0
            except ssl.SSLError:  # no TLS record, or one that was changed on the way
                self._raw.abort()
                return
            if not count:  # the client has ended its side of the stream
                self._is_ignoring = True
                http.eof_received()
                break
            http.buffer_updated(count)
        self._transport.flush()  # messages of TLS itself, such as those that change a key

    def _fail(self, reason: str) -> None:
        """Report that the handshake failed, and close."""
        self._is_ignoring = True
        self._report(explain_handshake(reason), read_addresses(self._raw), self._received)
        self._raw.close()

    def _flush(self) -> None:
        if data := self._outgoing.read():
            self._raw.write(data)

    def _refuse_plain(self, beginning: bytes) -> None:
        """Answer a client that speaks no TLS in plain HTTP, and close."""
        self._is_ignoring = True
        response = self._report(plain_on_tls(), read_addresses(self._raw), beginning)
        headers = [*response.headers, ("Connection", "close")]
        self._raw.write(format_head(response.status, headers, int(time.time())) + response.body)
        self._raw.write_eof()
        asyncio.get_running_loop().call_later(_LINGER_SECONDS, self._raw.close)
