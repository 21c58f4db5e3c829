"""The recorder forwards a request once, gives the client the vendor's bytes, and loses no exchange, whatever fails."""

import gzip
import re
import socket
import ssl
import threading
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from sms10692_mock import Emulator
from sms10692_mock.recorder import captured_body, recorder
from sms10692_mock.recorder.proxy import parse_target
from sms10692_mock.recording.exchange_folder import find_exchanges
from sms10692_mock.recording.replay import Replay
from support.http_client import TIMEOUT, closed_port, connect, parse_address, read_all, send_raw
from support.recordings import ScriptedVendor, Serve, read_recording, recording, reset

BODY = b'<?xml version="1.0" encoding="utf-8" ?><returnsms>\n <message>\xe6\xb2\xa1\xe6\x9c\x89</message></returnsms>'
RESPONSE = b"HTTP/1.1 200 OK\r\nX-Odd:  spaced \r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
FORM = b"action=overage&userid=12&timestamp=20120701231212&sign=5cc68982f55ac74348e3d819f868fbe1"


def build(form: bytes = FORM, headers: bytes = b"") -> bytes:
    return b"POST /v2sms.aspx HTTP/1.1\r\nHost: x\r\n%bContent-Length: %d\r\n\r\n%b" % (headers, len(form), form)


def exchange_bytes(address: tuple[str, int], request: bytes) -> bytes:
    """Send a request and end the output; return all bytes until the connection ends, or until it is reset."""
    received = b""
    with connect(address) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while data := connection.recv(65536):
                received += data
        except OSError:  # also ENOTCONN, if the reset came before the shutdown
            return received + b"(reset)"
    return received


def test_the_vendor_gets_the_request_and_the_client_the_response_byte_for_byte(tmp_path: Path) -> None:
    """Only the Host header differs."""

    def serve(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(RESPONSE)
        return True

    request = build(headers=b"x-ODD:  spaced \r\nUser-Agent: me\r\n")
    with ScriptedVendor(serve) as vendor:
        with recording(vendor.url, tmp_path) as address:
            assert exchange_bytes(address, request) == RESPONSE
        host = vendor.url.removeprefix("http://").encode()
        assert vendor.requests == [request.replace(b"Host: x", b"Host: " + host)]
    [exchange] = read_recording(tmp_path)
    assert (exchange.outcome, exchange.status, exchange.body) == ("complete", 200, BODY)


def answer_again(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(RESPONSE)
    return True


def test_a_target_with_a_host_and_a_base_path_reach_the_vendor_s_path(tmp_path: Path) -> None:
    """A client may use the recorder as its HTTP proxy; the vendor may be below a path."""
    with ScriptedVendor(answer_again) as vendor:
        with recording(f"{vendor.url}/base", tmp_path) as address:
            for target in (b"http://any.example/v2sms.aspx?a=b", b"/v2sms.aspx?a=b"):
                assert exchange_bytes(address, b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target) == RESPONSE
        host = vendor.url.removeprefix("http://").encode()
        assert vendor.requests == [b"GET /base/v2sms.aspx?a=b HTTP/1.1\r\nHost: %b\r\n\r\n" % host] * 2
    for exchange in read_recording(tmp_path):
        assert exchange.request.startswith(b"GET /v2sms.aspx?a=")


def test_an_https_vendor_is_recorded(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    with Emulator(tls=context) as emulator, recording(emulator.https_url, tmp_path / "out", ca=str(file)) as address:
        assert b"<overage>1000</overage>" in send_raw(address, build(FORM)).body
    assert [exchange.outcome for exchange in read_recording(tmp_path / "out")] == ["complete"]


def test_an_https_vendor_with_an_unknown_certificate_gets_no_request(tmp_path: Path) -> None:
    context, problems = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), list[str]()
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Emulator(tls=context) as emulator:
        with recording(emulator.https_url, tmp_path, problems=problems) as address:
            assert exchange_bytes(address, build()) in (b"(reset)", b"")
        assert [request for request in emulator.control.requests() if request.operation] == []
    assert [exchange.outcome for exchange in read_recording(tmp_path)] == ["refused"]
    assert len(problems) == 1


def close_without_a_byte(connection: socket.socket, _: bytes) -> bool:
    return False


def reset_without_a_byte(connection: socket.socket, _: bytes) -> bool:
    reset(connection)
    return False


def cut_in_the_body(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(RESPONSE[:-20])
    return False


def cut_in_the_head(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(RESPONSE[:20])
    return False


def cut_in_a_chunk(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n<returnsms>")
    return False


def end_with_the_connection(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + BODY)
    return False


def answer_in_chunks(connection: socket.socket, _: bytes) -> bool:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection.sendall(head + b"%x\r\n%b\r\n%x;x=y\r\n%b\r\n0\r\nT: t\r\n\r\n" % (9, BODY[:9], len(BODY) - 9, BODY[9:]))
    return False


def answer_compressed(connection: socket.socket, _: bytes) -> bool:
    body = gzip.compress(BODY, mtime=0)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
    return False


def answer_no_http(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(b"\x00\x01 no HTTP at all")
    return False


def answer_twice(connection: socket.socket, _: bytes) -> bool:
    connection.sendall(RESPONSE + RESPONSE)
    return False


FAILURES: dict[str, tuple[Serve, str, bytes]] = {
    "closes": (close_without_a_byte, "cut", b""),
    "cuts the body": (cut_in_the_body, "cut", BODY[:-20]),
    "cuts the head": (cut_in_the_head, "cut", b""),
    "cuts a chunk": (cut_in_a_chunk, "cut", b"<returnsms>"),
    "ends the body with the connection": (end_with_the_connection, "complete", BODY),
    "sends chunks": (answer_in_chunks, "complete", BODY),
    "compresses": (answer_compressed, "complete", BODY),
    "speaks no HTTP": (answer_no_http, "cut", b""),
    "answers twice": (answer_twice, "complete", BODY),
}


@pytest.mark.parametrize("name", FAILURES)
def test_after_a_failure_of_the_vendor_the_client_has_its_bytes_and_the_exchange_is_recorded(
    name: str, tmp_path: Path
) -> None:
    serve, outcome, body = FAILURES[name]
    with ScriptedVendor(serve) as vendor:
        direct = exchange_bytes(parse_address(vendor.url), build())
        vendor.requests.clear()
        with recording(vendor.url, tmp_path) as address:
            assert exchange_bytes(address, build()) == direct
        assert len(vendor.requests) == 1
    [exchange] = read_recording(tmp_path)
    assert (exchange.outcome, exchange.body) == (outcome, body)


@pytest.mark.parametrize("sent", [b"", RESPONSE[:-20], b"HTTP/1.0 200 OK\r\n\r\n<returnsms>"])
def test_a_reset_by_the_vendor_ends_the_client_s_connection(sent: bytes, tmp_path: Path) -> None:
    """A body whose end is the end of the connection must not look complete: the client's connection is reset too."""
    has_read = threading.Event()

    def serve(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(sent)
        if sent:
            assert has_read.wait(TIMEOUT)
        reset(connection)
        return False

    with ScriptedVendor(serve) as vendor:
        with recording(vendor.url, tmp_path) as address, connect(address) as connection:
            connection.sendall(build())
            received = b""
            while len(received) < len(sent):
                received += connection.recv(65536)
            has_read.set()
            is_reset = False
            try:
                received += read_all(connection)
            except ConnectionResetError:
                is_reset = True
        assert (received, len(vendor.requests)) == (sent, 1)
        assert is_reset == (not sent.startswith(b"HTTP/1.1"))
    [exchange] = read_recording(tmp_path)
    assert exchange.outcome == "reset"


def test_a_vendor_that_refuses_connections_is_tried_once(tmp_path: Path) -> None:
    problems: list[str] = []
    with closed_port() as port, recording(f"http://127.0.0.1:{port}", tmp_path, problems=problems) as address:
        with connect(address) as connection, suppress(OSError):
            connection.sendall(build().removesuffix(FORM))  # the body comes later
            connection.sendall(FORM)
            assert read_all(connection) == b""
    [exchange] = read_recording(tmp_path)
    assert (exchange.outcome, exchange.status) == ("refused", 0)
    assert re.search(rb"\r\n\r\naction=overage&userid=[0-9]{2}&timestamp=20120701231212&sign=", exchange.request)
    assert [problem for problem in problems if "cannot be reached" in problem] == problems
    assert len(problems) == 1


def test_bytes_of_a_slow_vendor_reach_the_client_as_they_come(tmp_path: Path) -> None:
    """The vendor sends the next byte only when the client has read the last one."""
    has_read = threading.Semaphore(0)

    def serve(connection: socket.socket, _: bytes) -> bool:
        for byte in RESPONSE:
            connection.sendall(bytes((byte,)))
            assert has_read.acquire(timeout=TIMEOUT)
        return False

    with ScriptedVendor(serve) as vendor:
        with recording(vendor.url, tmp_path) as address, connect(address) as connection:
            connection.sendall(build())
            received = b""
            while len(received) < len(RESPONSE):
                received += connection.recv(1)
                has_read.release()
        assert (received, len(vendor.requests)) == (RESPONSE, 1)
    assert read_recording(tmp_path)[0].body == BODY


def test_a_client_that_hangs_up_loses_no_exchange(tmp_path: Path) -> None:
    is_gone = threading.Event()

    def serve(connection: socket.socket, _: bytes) -> bool:
        assert is_gone.wait(TIMEOUT)
        connection.sendall(RESPONSE)
        return False

    with ScriptedVendor(serve) as vendor:
        with recording(vendor.url, tmp_path) as address:
            with connect(address) as connection:
                connection.sendall(build())
                reset(connection)
            is_gone.set()
        requests = len(vendor.requests)
    exchanges = read_recording(tmp_path)
    # The reset may overtake the request: then neither vendor nor recording has it.
    assert len(exchanges) == requests <= 1
    assert all((exchange.outcome, exchange.body) == ("complete", BODY) for exchange in exchanges)


def test_a_client_that_hangs_up_after_its_request_has_arrived_loses_no_exchange(tmp_path: Path) -> None:
    has_arrived, is_gone = threading.Event(), threading.Event()

    def serve(connection: socket.socket, _: bytes) -> bool:
        has_arrived.set()
        assert is_gone.wait(TIMEOUT)
        connection.sendall(RESPONSE)
        return False

    with ScriptedVendor(serve) as vendor:
        with recording(vendor.url, tmp_path) as address:
            with connect(address) as connection:
                connection.sendall(build())
                assert has_arrived.wait(TIMEOUT)
                reset(connection)
            is_gone.set()
        assert len(vendor.requests) == 1
    [exchange] = read_recording(tmp_path)
    assert (exchange.outcome, exchange.body) == ("complete", BODY)


def test_a_request_that_breaks_off_reaches_the_vendor_as_it_came(tmp_path: Path) -> None:
    received: list[bytes] = []

    def read_some(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(read_all(connection))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=read_some, args=(listener,))
        thread.start()
        port = listener.getsockname()[1]
        with recording(f"http://127.0.0.1:{port}", tmp_path) as address:
            assert exchange_bytes(address, build()[:-10]) == b""
        thread.join(TIMEOUT)
    assert received == [build()[:-10].replace(b"Host: x", b"Host: 127.0.0.1:%d" % port)]
    assert [exchange.outcome for exchange in read_recording(tmp_path)] == ["request-cut"]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST /v2sms.aspx HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nno size\r\nabc\r\n",
        b"POST /v2sms.aspx HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\naction=overage",
        b"GET /v2sms.aspx?content=two words HTTP/1.1\r\nHost: x\r\n\r\n",
        b"no HTTP at all",
    ],
    ids=["chunk without a size", "length that is no number", "space in the target", "no HTTP"],
)
def test_what_is_no_correct_request_reaches_the_vendor_once_and_unchanged(request_bytes: bytes, tmp_path: Path) -> None:
    received: list[bytes] = []

    def read_and_refuse(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            received.append(read_all(connection))
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=read_and_refuse, args=(listener,))
        thread.start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        with recording(f"http://{host}", tmp_path) as address:
            assert exchange_bytes(address, request_bytes).startswith(b"HTTP/1.1 400 ")
        thread.join(TIMEOUT)
    is_parsed = b"chunked" in request_bytes
    assert received == [request_bytes.replace(b"Host: x", f"Host: {host}".encode()) if is_parsed else request_bytes]
    assert [exchange.status for exchange in read_recording(tmp_path)] == [400]


def test_a_kept_connection_carries_all_requests_in_order(tmp_path: Path) -> None:
    def serve(connection: socket.socket, request: bytes) -> bool:
        body = b"<returnsms><message>%b</message></returnsms>" % request[-1:]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
        return True

    with ScriptedVendor(serve) as vendor:
        with recording(vendor.url, tmp_path) as address, connect(address) as connection:
            for digit in b"123456789":
                connection.sendall(build(FORM + b"&extno=" + bytes((digit,))))
                received = b""
                while not received.endswith(b"</returnsms>"):
                    received += connection.recv(65536)
                assert b"<message>%c</message>" % digit in received
        assert (vendor.connections, len(vendor.requests)) == (1, 9)
    assert [exchange.body[20:21] for exchange in read_recording(tmp_path)] == [
        bytes((digit,)) for digit in b"123456789"
    ]


def test_100_continue_is_the_vendor_s(tmp_path: Path) -> None:
    """The body follows only when the vendor has asked for it."""

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += connection.recv(65536)
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = b""
            while len(body) < len(FORM):
                body += connection.recv(65536)
            connection.sendall(RESPONSE)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with recording(url, tmp_path) as address, connect(address) as connection:
            connection.sendall(build(headers=b"Expect: 100-continue\r\n").removesuffix(FORM))
            assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
            connection.sendall(FORM)
            received = b""
            while len(received) < len(RESPONSE):
                received += connection.recv(65536)
            assert received == RESPONSE
        thread.join(TIMEOUT)
    [exchange] = read_recording(tmp_path)
    assert (exchange.outcome, exchange.body) == ("complete", BODY)


def test_requests_that_follow_one_another_without_waiting_are_recorded_in_their_order(tmp_path: Path) -> None:
    def serve(connection: socket.socket, request: bytes) -> bool:
        for _ in range(request.count(b"POST /")):
            connection.sendall(RESPONSE)
        return True

    requests = build(FORM + b"&extno=1") + build(FORM + b"&extno=2")
    with ScriptedVendor(serve) as vendor, recording(vendor.url, tmp_path) as address, connect(address) as connection:
        connection.sendall(requests)
        received = b""
        while len(received) < 2 * len(RESPONSE):
            received += connection.recv(65536)
        assert received == 2 * RESPONSE
    assert [exchange.request[-1:] for exchange in read_recording(tmp_path)] == [b"1", b"2"]


def test_the_rest_of_a_request_that_is_answered_early_is_recorded(tmp_path: Path) -> None:
    """The vendor answers when it has the head, and then reads the body."""

    def serve(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            data = connection.recv(65536)
            connection.sendall(RESPONSE)
            while not data.endswith(FORM):
                data += connection.recv(65536)
            with suppress(OSError):  # the recorder resets the connection
                assert connection.recv(65536) == b""

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        with recording(f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path) as address:
            with connect(address) as connection:
                connection.sendall(build().removesuffix(FORM) + FORM[:10])
                received = b""
                while len(received) < len(RESPONSE):
                    received += connection.recv(65536)
                connection.sendall(FORM[10:])
                connection.shutdown(socket.SHUT_WR)
                assert (received, read_all(connection)) == (RESPONSE, b"")
        thread.join(TIMEOUT)
    [exchange] = read_recording(tmp_path)
    assert (exchange.outcome, exchange.body) == ("complete", BODY)
    assert len(exchange.request.partition(b"\r\n\r\n")[2]) == len(FORM)


@pytest.mark.parametrize("ends", ["by the client", "by the recorder"])
def test_a_request_that_is_answered_early_and_never_ends_is_recorded(ends: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):  # the recorder may reset the connection
                connection.recv(65536)
                connection.sendall(RESPONSE)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        with recording(f"http://127.0.0.1:{listener.getsockname()[1]}", tmp_path) as address:
            connection = connect(address)
            connection.sendall(build()[:-10])
            received = b""
            while len(received) < len(RESPONSE):
                received += connection.recv(65536)
            if ends == "by the client":
                connection.close()
        connection.close()
        thread.join(TIMEOUT)
    [exchange] = read_recording(tmp_path)
    assert (exchange.outcome, exchange.body) == ("request-cut", BODY)


def test_a_vendor_s_length_of_5000_digits_loses_no_exchange(tmp_path: Path) -> None:
    response = b"HTTP/1.1 200 OK\r\nContent-Length: %b\r\n\r\n<returnsms>" % (b"9" * 5000)

    def serve(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(response)
        return False

    problems: list[str] = []
    with ScriptedVendor(serve) as vendor, recording(vendor.url, tmp_path, problems=problems) as address:
        assert exchange_bytes(address, build()) == response
    [exchange] = read_recording(tmp_path)
    assert (exchange.body, problems) == (b"<returnsms>", [])


@pytest.mark.parametrize("function", ["_find_end", "_parse_status", "BodyEnd"])
def test_an_internal_error_ends_the_connection_and_loses_no_exchange(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("for this test")

    monkeypatch.setattr(f"sms10692_mock.recorder.proxy.{function}", fail)
    problems: list[str] = []
    with ScriptedVendor(answer_again) as vendor, recording(vendor.url, tmp_path, problems=problems) as address:
        exchange_bytes(address, build())
    assert len(read_recording(tmp_path)) == 1
    [problem] = problems
    assert problem.startswith("internal error: ")
    assert "for this test" in problem


@pytest.mark.parametrize("host", ["a" * 64 + ".example", "a..example"])
def test_a_host_that_cannot_exist_is_refused_at_the_start(host: str) -> None:
    with pytest.raises(ValueError, match="has no valid host name"):
        parse_target(f"http://{host}")


def test_what_cannot_be_written_stays_in_memory_until_it_can(tmp_path: Path) -> None:
    """The folder is gone, as a full disk is: every exchange is written when it is back."""
    problems: list[str] = []
    folder, moved = tmp_path / "out", tmp_path / "moved"
    with ScriptedVendor(answer_again) as vendor:
        with recording(vendor.url, folder, problems=problems, retry_seconds=0.01) as address:
            assert exchange_bytes(address, build()) == RESPONSE
            folder.rename(moved)
            for _ in range(3):
                assert exchange_bytes(address, build()) == RESPONSE
            moved.rename(folder)
        assert len(vendor.requests) == 4
    assert [exchange.name for exchange in read_recording(folder)] == [f"000{number}-overage" for number in (1, 2, 3, 4)]
    assert not [problem for problem in problems if "internal" in problem]


CHUNKS = b"".join(b"100\r\n%b\r\n" % (b"x" * 256) for _ in range(16)) + b"0\r\n\r\n"
CHUNKED_REQUEST = b"POST /v2sms.aspx HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def short_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Store bodies of up to 1000 bytes only."""
    for module in (captured_body, recorder):
        monkeypatch.setattr(module, "BODY_LIMIT", 1000)


@pytest.mark.usefixtures("short_limit")
def test_a_request_that_is_too_long_reaches_the_vendor_and_its_body_is_not_stored(tmp_path: Path) -> None:
    problems: list[str] = []
    with ScriptedVendor(answer_again) as vendor:
        with recording(vendor.url, tmp_path, problems=problems) as address:
            for body in (CHUNKS, b"%b&content=abc" % FORM):
                head = CHUNKED_REQUEST if body is CHUNKS else build(body).partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
                assert exchange_bytes(address, head + body) == RESPONSE
        assert vendor.requests[0].endswith(b"\r\n\r\n" + CHUNKS)
    assert problems == ["the body of the request of exchange 1 is not stored: it is longer than 64 MiB"]
    first, second = find_exchanges(tmp_path)
    stored = (first / "request.http").read_bytes()
    assert stored.startswith(b"POST /v2sms.aspx HTTP/1.1\r\n")
    assert stored.endswith(b"\r\n\r\n")
    metadata = [tomllib.loads((each / "exchange.toml").read_text("utf-8"))["recorded"] for each in (first, second)]
    assert [each.get("request_body_not_stored", "") for each in metadata] == ["it is longer than 64 MiB", ""]
    assert [each["outcome"] for each in metadata] == ["complete", "complete"]
    assert Replay(tmp_path).count == 1


@pytest.mark.usefixtures("short_limit")
@pytest.mark.parametrize("is_compressed", [False, True])
def test_a_response_that_is_too_long_reaches_the_client_and_its_body_is_not_stored(
    is_compressed: bool, tmp_path: Path
) -> None:
    body = gzip.compress(b"x" * 2000) if is_compressed else CHUNKS
    head = (
        b"Content-Encoding: gzip\r\nContent-Length: %d" % len(body) if is_compressed else b"Transfer-Encoding: chunked"
    )
    response = b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (head, body)

    def serve(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(response)
        return True

    problems: list[str] = []
    with ScriptedVendor(serve) as vendor, recording(vendor.url, tmp_path, problems=problems) as address:
        assert exchange_bytes(address, build()) == response
    assert problems == ["the body of the response of exchange 1 is not stored: it is longer than 64 MiB"]
    [exchange] = read_recording(tmp_path)
    assert (exchange.outcome, exchange.body, exchange.length) == ("complete", b"", 0)
    text = (find_exchanges(tmp_path)[0] / "exchange.toml").read_text("utf-8")
    assert tomllib.loads(text)["recorded"]["body_not_stored"] == "it is longer than 64 MiB"
    assert Replay(tmp_path).count == 0
