"""Defects of connections: what an earlier request of a connection left, bodies that arrive in parts, HEAD, Expect."""

import io
import re
import socket
import threading
from collections.abc import Sequence
from typing import Final, cast

from sms10692 import protocol
from sms10692.protocol import Endpoint
from sms10692_mock.app.vendor_app import VendorRequest
from sms10692_mock.server.http_types import Response
from support.mutant_vendor import Defect, HttpHandler
from support.mutants.mutant import Mutant


def _count_arrived(handler: HttpHandler) -> int:
    """Return the number of bytes that have arrived and are not read yet."""
    handler.connection.settimeout(0)
    try:
        return len(cast(io.BufferedReader, handler.rfile).peek())
    finally:
        handler.connection.settimeout(None)


_WRONG_CREDENTIALS: Final = {
    is_gbk: "用户名或密码错误".encode("gbk" if is_gbk else "utf-8") for is_gbk in (False, True)
}


class _RepeatLastAnswer(HttpHandler):
    """Answers every third request of a connection like the one before it."""

    count = 0
    last: Response

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        self.count += 1
        if self.count % 3 == 0:
            return self.last
        self.last = super().answer_vendor_request(endpoint, request)
        return self.last


class _RepeatAnswerToEqualBody(HttpHandler):
    """Answers a body that is equal to the last one of its connection like that one, on any endpoint."""

    last_body: bytes | None = None
    last: Response

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        if request.body and request.body == self.last_body:
            return self.last
        self.last_body = request.body
        self.last = super().answer_vendor_request(endpoint, request)
        return self.last


def _keep_parameters(*names: str) -> type[HttpHandler]:
    """Use parameters of the request before on the same connection, if a request does not have them."""

    class Handler(HttpHandler):
        kept = b""

        def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
            raw = request.query + b"&" + request.body
            own = [found[0] for name in names if (found := re.search(rb"(?:^|&)%b=[^&]*" % name.encode(), raw))]
            missing = [
                pair
                for pair in self.kept.split(b"&")
                if pair and not re.search(rb"(?:^|&)%b=" % pair.partition(b"=")[0], raw)
            ]
            if own:
                self.kept = b"&".join(pair.strip(b"&") for pair in own)
            if missing:
                request = request._replace(query=b"&".join([request.query, *missing]).strip(b"&"))
            return super().answer_vendor_request(endpoint, request)

    return Handler


class _AuthenticateConnection(HttpHandler):
    """Checks the signature of the first request of a connection only."""

    credentials = b""

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        response = super().answer_vendor_request(endpoint, request)
        raw = request.query + b"&" + request.body
        if _WRONG_CREDENTIALS[endpoint is protocol.V2SMS_GBK] not in response.body:
            self.credentials = b"&".join(
                found[0].strip(b"&")
                for name in (b"userid", b"timestamp", b"sign")
                if (found := re.search(rb"(?:^|&)%b=[^&]*" % name, raw))
            )
        elif self.credentials:
            request = request._replace(query=self.credentials + b"&" + request.query)
            return super().answer_vendor_request(endpoint, request)
        return response


class _DropPipelined(HttpHandler):
    """Drops what has arrived behind a request before it was answered."""

    def read_body(self) -> bytes:
        body = super().read_body()
        self.rfile.read(_count_arrived(self))
        return body


class _AnswerPipelinedInReverse(HttpHandler):
    """Holds an answer back while another request waits, and writes it behind that one's."""

    held = b""

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        writer, held = self.wfile, self.held
        collected = bytearray()
        self.wfile = _Collector(collected)  # type: ignore[assignment]  # only write is used
        try:
            super().write_response(status, headers, content)
        finally:
            self.wfile = writer
        waiting = _count_arrived(self) > 0
        self.held = b""
        if waiting and not held and not self.close_connection:
            self.held = bytes(collected)
        else:
            self.wfile.write(bytes(collected) + held)


class _Collector:
    """A writer that collects bytes."""

    def __init__(self, collected: bytearray) -> None:
        self.write = collected.extend


class _SendBodyOfHead(HttpHandler):
    """Sends the body of an answer to HEAD, which a client reads as the next answer."""

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        command, self.command = self.command, "GET"
        super().write_response(status, headers, content)
        self.command = command


def _send_body_of_head(find: re.Pattern[bytes]) -> type[HttpHandler]:
    """Send the body of an answer to HEAD if the body has this pattern."""

    class Handler(_SendBodyOfHead):
        def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
            if find.search(content):
                super().write_response(status, headers, content)
            else:
                HttpHandler.write_response(self, status, headers, content)

    return Handler


def _know_close(pattern: str) -> type[HttpHandler]:
    """Close a connection only if the value of Connection has this pattern, or in HTTP/1.0."""

    class Handler(HttpHandler):
        def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
            super().write_response(status, headers, content)
            if self.request_version != "HTTP/1.0" and not re.search(pattern, self.headers.get("Connection", "")):
                self.close_connection = False

    return Handler


class _CloseAfterHead(HttpHandler):
    """Answers nothing after HEAD on the same connection."""

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        super().write_response(status, headers, content)
        if self.command == "HEAD":
            self.close_connection = True


class _DropBodyBeforeContinue(HttpHandler):
    """Drops the bytes of a body that arrive before the 100."""

    def handle_expect_100(self) -> bool:
        arrived = _count_arrived(self)
        self.rfile.read(arrived)
        self.headers.replace_header("Content-Length", str(int(self.headers["Content-Length"]) - arrived))
        return super().handle_expect_100()


class _RefuseExpect(HttpHandler):
    """Refuses a body that comes with the head of an Expect: the client should have waited."""

    def handle_expect_100(self) -> bool:
        arrived = _count_arrived(self)
        if arrived:
            self.write_response(417, [], b"")
            self.close_connection = True
            return False
        return super().handle_expect_100()


class _NeverContinue(HttpHandler):
    """Sends no 100, which is allowed, and takes the body that follows for empty, which is not."""

    def handle_expect_100(self) -> bool:
        arrived = _count_arrived(self)
        if not arrived:
            self.headers.replace_header("Content-Length", "0")
            self.close_connection = True
        return True


class _ReadFirstPiece(HttpHandler):
    """Takes the first bytes of a body that arrive for the whole body."""

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") or not self.headers.get("Content-Length"):
            return super().read_body()
        length = int(self.headers["Content-Length"])
        body: bytes = self.rfile.read1(length) if length else b""
        if len(body) < length:
            self.rfile.read(length - len(body))
        return body


class _IgnoreClose(HttpHandler):
    """Keeps a connection open although the client asks to close it."""

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        super().write_response(status, headers, content)
        if not self.path.startswith("/_mock"):
            self.close_connection = False


class _ChunkAnswers(HttpHandler):
    """Sends answers to HTTP/1.0 in chunks, which HTTP/1.0 does not have."""

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        if self.request_version == "HTTP/1.0":
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
            head = f"HTTP/1.1 {status} OK\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode()
            self.wfile.write(head + b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content))
        else:
            super().write_response(status, headers, content)


class _SwapEndpoints(HttpHandler):
    """Handles all requests of a connection like requests to the endpoint of its first one."""

    first: Endpoint | None = None

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        self.first = self.first or endpoint
        return super().answer_vendor_request(self.first, request)


class _AnswerTwice(HttpHandler):
    """Handles a send twice if the connection was used before."""

    used = False

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        if self.used and b"action=send" in request.query + request.body:
            super().answer_vendor_request(endpoint, request)
        self.used = True
        return super().answer_vendor_request(endpoint, request)


class _TooShort(HttpHandler):
    """Counts characters in place of bytes in the Content-Length of a kept connection."""

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        if self.close_connection or self.command == "HEAD":
            super().write_response(status, headers, content)
        else:
            characters = len(content.decode("utf-8", "replace"))
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
            self.wfile.write(f"HTTP/1.1 {status} OK\r\nContent-Length: {characters}\r\n{lines}\r\n".encode() + content)


class _ClosesSilently(HttpHandler):
    """Closes a connection after its 100th response without saying so."""

    count = 0

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        super().write_response(status, headers, content)
        self.count += 1
        if self.count == 100:
            self.close_connection = True


def _close_after(length: int) -> type[HttpHandler]:
    """Close a connection after a response of more bytes, without saying so."""

    class Handler(HttpHandler):
        def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
            super().write_response(status, headers, content)
            if len(content) > length and not self.path.startswith("/_mock"):
                self.close_connection = True

    return Handler


class _DropBehindChunks(HttpHandler):
    """Drops what has arrived behind the end of a chunked body."""

    def read_body(self) -> bytes:
        body = super().read_body()
        if self.headers.get("Transfer-Encoding"):
            self.rfile.read(_count_arrived(self))
        return body


class _DropBehindQuery(HttpHandler):
    """Drops what has arrived behind a request without a body."""

    def read_body(self) -> bytes:
        body = super().read_body()
        if not body:
            self.rfile.read(_count_arrived(self))
        return body


def _be_busy_above(limit: int, length: int) -> type[HttpHandler]:
    """Answer 503 while as many requests with longer bodies are being handled."""
    places = threading.BoundedSemaphore(limit)

    class Handler(HttpHandler):
        def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
            if len(request.body) <= length:
                return super().answer_vendor_request(endpoint, request)
            if not places.acquire(blocking=False):
                return Response(503, [], b"busy")
            try:
                return super().answer_vendor_request(endpoint, request)
            finally:
                places.release()

    return Handler


class _IsBusyAfterMany(HttpHandler):
    """Answers 503 from the 200th request of a connection on."""

    count = 0

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        self.count += 1
        response = super().answer_vendor_request(endpoint, request)
        return response if self.count < 200 else Response(503, [], b"busy")


class _FillsAnswerTable(HttpHandler):
    """Keeps 64 answers of a connection, and then answers from the oldest."""

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        answers: list[Response] = vars(self).setdefault("answers", [])
        answers.append(super().answer_vendor_request(endpoint, request))
        return answers[max(len(answers) - 65, 0)] if len(answers) > 65 else answers[-1]


class _ContinuesOnce(HttpHandler):
    """Sends 100 Continue for the first request of a connection only."""

    was_continued = False

    def handle_expect_100(self) -> bool:
        if self.was_continued:
            return True
        self.was_continued = True
        return super().handle_expect_100()


class _ContinuesShortBodies(HttpHandler):
    """Sends 100 Continue only for bodies of up to 64 KiB."""

    def handle_expect_100(self) -> bool:
        return int(self.headers["Content-Length"]) > 65536 or super().handle_expect_100()


class _ContinuesOneEndpoint(HttpHandler):
    """Sends no 100 Continue on the GBK endpoint."""

    def handle_expect_100(self) -> bool:
        return "gbk" in self.path.lower() or super().handle_expect_100()


class _DoesNotSayKept(HttpHandler):
    """Keeps a connection of HTTP/1.0 open without saying so."""

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        version, self.request_version = self.request_version, "HTTP/1.1"
        super().write_response(status, headers, content)
        self.request_version = version


class _DropBehindRefusal(HttpHandler):
    """Drops what has arrived behind a request that it refuses."""

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        response = super().answer_vendor_request(endpoint, request)
        if _WRONG_CREDENTIALS[endpoint is protocol.V2SMS_GBK] in response.body:
            self.rfile.read(_count_arrived(self))
        return response


class _DropBehindLong(HttpHandler):
    """Drops what has arrived behind a request with a long body."""

    def read_body(self) -> bytes:
        body = super().read_body()
        if len(body) > 16384:
            self.rfile.read(_count_arrived(self))
        return body


class _KnowsPrintedLength(HttpHandler):
    """Reads a body only if Content-Length is written as usual."""

    def read_body(self) -> bytes:
        body = super().read_body()
        return body if any(name == "Content-Length" for name, _ in self.headers.items()) else b""


class _KnowsPrintedType(HttpHandler):
    """Reads a multipart body only if Content-Type is written as usual."""

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        is_known = any(name == "Content-Type" for name, _ in request.headers)
        return super().answer_vendor_request(endpoint, request if is_known else request._replace(content_type=""))


class _RefusesAbsolute(HttpHandler):
    """Answers 404 if the request line has the host."""

    def answer_vendor_request(self, endpoint: Endpoint, request: VendorRequest) -> Response:
        if "://" in self.requestline.partition("?")[0]:
            return Response(404, [], b"")
        return super().answer_vendor_request(endpoint, request)


class _MissesDividedEnd(HttpHandler):
    """Closes the connection if what arrives first ends within the empty line behind the head."""

    def handle_one_request(self) -> None:
        if self.connection.recv(65536, socket.MSG_PEEK).endswith(b"\r\n\r"):
            self.close_connection = True
        else:
            super().handle_one_request()


class _MissesDividedLine(HttpHandler):
    """Closes the connection if what arrives first ends between carriage return and line feed of a header."""

    def handle_one_request(self) -> None:
        if re.search(rb"[^\n]\r\Z", self.connection.recv(65536, socket.MSG_PEEK)):
            self.close_connection = True
        else:
            super().handle_one_request()


class _ReadsChunkAtOnce(HttpHandler):
    """Takes what has arrived of a chunked body for the whole."""

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") is None:
            return super().read_body()
        arrived = self.rfile.peek() if isinstance(self.rfile, io.BufferedReader) else b""
        body = super().read_body()
        return body if b"0\r\n\r\n" in arrived else body[: len(body) // 2]


class _ReadsShortChunks(HttpHandler):
    """Reads the size of a chunk as 16 bits."""

    def read_body(self) -> bytes:
        body = super().read_body()
        return body[: len(body) & 0xFFFF] if self.headers.get("Transfer-Encoding") and body else body


class _ReadsSmallLetters(HttpHandler):
    """Reads the size of a chunk up to its first capital letter."""

    def read_chunk_size(self, line: bytes) -> int:
        size = re.match(rb"[0-9a-f]+", line)
        return int(size[0], 16) if size else 0


class _ReadsNoExtensions(HttpHandler):
    """Takes a size with an extension for the end of the body."""

    def read_chunk_size(self, line: bytes) -> int:
        return 0 if b";" in line else super().read_chunk_size(line)


class _LeavesTrailers(HttpHandler):
    """Reads one line behind the last chunk, and the rest as the next request."""

    def read_trailers(self) -> None:
        self.rfile.readline()


class _HangsUpOnLastHead(HttpHandler):
    """Closes the connection without a response to HEAD if it is the last request."""

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        if self.command != "HEAD" or not self.close_connection:
            super().write_response(status, headers, content)


class _EndsHeadWithBody(HttpHandler):
    """Sends a body behind the response to HEAD if it closes the connection."""

    def write_response(self, status: int, headers: Sequence[tuple[str, str]], content: bytes) -> None:
        super().write_response(status, headers, content)
        if self.command == "HEAD" and self.close_connection:
            self.wfile.write(content)


class _ReadsShortBodies(HttpHandler):
    """Keeps the first 64 KiB of a body."""

    def read_body(self) -> bytes:
        return super().read_body()[:65536]


CONNECTIONS: Final = (
    Mutant(
        "a second long request at the same time is refused",
        Defect(handler=_be_busy_above(1, 16 * 1024)),
        ("P-parallel",),
        is_race=True,
    ),
    *(
        Mutant(name, Defect(handler=handler), (clause,))
        for name, handler, clause in (
            ("every third answer of a connection repeats the one before", _RepeatLastAnswer, "K-kept"),
            ("an equal body on the same connection gets the same answer", _RepeatAnswerToEqualBody, "K-equal"),
            ("extno of the request before on a connection is kept", _keep_parameters("extno"), "K-kept"),
            ("sendTime of the request before on a connection is kept", _keep_parameters("sendTime"), "K-kept"),
            ("statusNum of the request before on a connection is kept", _keep_parameters("statusNum"), "K-kept"),
            ("rt of the request before on a connection is kept", _keep_parameters("rt"), "K-kept"),
            (
                "credentials of the request before on a connection are kept",
                _keep_parameters("sign", "timestamp", "userid"),
                "K-credentials",
            ),
            ("a connection is authenticated once", _AuthenticateConnection, "K-credentials"),
            ("pipelined requests are dropped", _DropPipelined, "K-pipelined"),
            ("pipelined requests are answered in reverse", _AnswerPipelinedInReverse, "K-pipelined"),
            ("pipelined requests behind a refused one are dropped", _DropBehindRefusal, "K-pipelined"),
            ("pipelined requests behind a long one are dropped", _DropBehindLong, "K-pipelined"),
            ("pipelined requests behind a chunked one are dropped", _DropBehindChunks, "K-pipelined"),
            ("pipelined requests behind one without a body are dropped", _DropBehindQuery, "K-pipelined"),
            ("a connection is closed after a response of 16 KiB", _close_after(16 * 1024), "K-kept"),
            ("a connection is closed after a response of 64 KiB", _close_after(64 * 1024), "K-kept"),
            ("a connection is closed after a response of 128 KiB", _close_after(128 * 1024), "K-kept"),
            ("a connection is closed silently after 100 responses", _ClosesSilently, "K-many"),
            ("a connection is busy after 200 requests", _IsBusyAfterMany, "K-many"),
            ("a connection answers with old answers after 64", _FillsAnswerTable, "K-many"),
            ("100 Continue once for a connection", _ContinuesOnce, "K-continue"),
            ("100 Continue for short bodies only", _ContinuesShortBodies, "K-continue"),
            ("100 Continue on one endpoint only", _ContinuesOneEndpoint, "K-continue"),
            ("a kept connection of HTTP/1.0 is not said to be kept", _DoesNotSayKept, "K-close"),
            ("content-length in lower case is not known", _KnowsPrintedLength, "F-headers"),
            ("content-type in lower case is not known", _KnowsPrintedType, "F-headers"),
            ("the host in a request line is not known", _RefusesAbsolute, "F-headers"),
            ("an answer to HEAD has a body", _SendBodyOfHead, "K-head"),
            ("nothing is answered after HEAD", _CloseAfterHead, "K-head"),
            ("a refusal of HEAD has a body", _send_body_of_head(re.compile(b"<returnstatus>Faild")), "K-head"),
            (
                "an answer to HEAD with many items has a body",
                _send_body_of_head(re.compile(b".{9999}", re.DOTALL)),
                "K-head",
            ),
            ("an answer to HEAD with an error number has a body", _send_body_of_head(re.compile(b"<error>")), "K-head"),
            ("Connection: close is known as the whole value only", _know_close(r"(?i)^close$"), "K-close"),
            ("Connection: close is known in lower case only", _know_close("close"), "K-close"),
            ("Connection: close is known in front only", _know_close("(?i)^close"), "K-close"),
            ("a body that comes before the 100 is dropped", _DropBodyBeforeContinue, "K-expect"),
            ("a body that comes with an Expect is refused", _RefuseExpect, "K-expect"),
            ("no 100, and the body is not read", _NeverContinue, "K-expect"),
            ("a body ends where its first piece ends", _ReadFirstPiece, "K-pieces"),
            ("a head that is divided in its empty line is not read", _MissesDividedEnd, "K-pieces"),
            ("a head that is divided between CR and LF is not read", _MissesDividedLine, "K-pieces"),
            ("a chunked body ends where its first piece ends", _ReadsChunkAtOnce, "K-pieces"),
            ("the size of a chunk has 16 bits", _ReadsShortChunks, "F-framing"),
            ("the size of a chunk has no capital letters", _ReadsSmallLetters, "F-framing"),
            ("a chunk with an extension is not read", _ReadsNoExtensions, "F-framing"),
            ("trailers are read as the next request", _LeavesTrailers, "K-pipelined"),
            ("the last response to HEAD of a connection has a body", _EndsHeadWithBody, "K-head"),
            ("the last HEAD of a connection is not answered", _HangsUpOnLastHead, "K-head"),
            ("a body has at most 64 KiB", _ReadsShortBodies, "F-long"),
            ("Connection: close is ignored", _IgnoreClose, "K-close"),
            ("HTTP/1.0 is answered in chunks", _ChunkAnswers, "K-close"),
            ("the first endpoint of a connection answers all", _SwapEndpoints, "K-kept"),
            ("a send on a used connection is handled twice", _AnswerTwice, "K-kept"),
            ("the length of an answer on a kept connection is counted in characters", _TooShort, "K-kept"),
        )
    ),
)
