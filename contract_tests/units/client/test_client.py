"""Nothing is sent twice, nothing that came is lost, and every failure is one of the tree.

Here belongs the client on the network: servers that hang up, hang, or never stop, on real sockets.
"""

import asyncio
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulators import PATIENCE, nobody_there, received, sign
from sms10692 import (
    CHINA,
    AsyncClient,
    Client,
    Refused,
    SmsError,
    UnencodableText,
    Unreachable,
    Unreadable,
)
from sms10692_mock.http.app import create_app

SETTINGS: dict[str, Any] = {"userid": "12", "account": "test", "password": "mima"}
BODY = (
    b'<?xml version="1.0" encoding="utf-8" ?><returnsms>\n <returnstatus>Success</returnstatus>\n'
    b" <message>ok</message>\n <remainpoint>998</remainpoint>\n <taskID>100001</taskID>\n"
    b" <successCounts>1</successCounts></returnsms>"
)
ANSWER = f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n".encode() + BODY

Serve = Callable[[socket.socket], object]


@contextmanager
def server(serve: Serve) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads a request and then does as it is told; its address, and what it was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_all() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(PATIENCE)
                    asked.append(received(connection))
                    try:
                        serve(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=answer_all)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(PATIENCE)


def send(url: str, **options: Any) -> Any:
    with Client(url, **SETTINGS | options) as vendor:
        return vendor.send(["15023239810"], "内容")


def send_and_await(url: str, **options: Any) -> Any:
    async def exchange() -> Any:
        async with AsyncClient(url, **SETTINGS | options) as vendor:
            return await vendor.send(["15023239810"], "内容")

    return asyncio.run(exchange())


EACH_WAY = pytest.mark.parametrize("send", [send, send_and_await])


def failures(url: str, times: int) -> list[SmsError]:
    """The errors of so many sends."""
    errors = []
    with Client(url, **SETTINGS) as vendor:
        for _ in range(times):
            with pytest.raises(SmsError) as raised:
                vendor.send(["15023239810"], "内容")
            errors.append(raised.value)
    return errors


def failures_awaited(url: str, times: int) -> list[SmsError]:
    async def exchanges() -> list[SmsError]:
        errors = []
        async with AsyncClient(url, **SETTINGS) as vendor:
            for _ in range(times):
                with pytest.raises(SmsError) as raised:
                    await vendor.send(["15023239810"], "内容")
                errors.append(raised.value)
        return errors

    return asyncio.run(exchanges())


@pytest.mark.parametrize("failures", [failures, failures_awaited])
def test_a_server_that_hangs_up_at_any_byte_of_the_answer_is_told_apart(failures: Any) -> None:
    cuts = iter(range(len(ANSWER)))
    with server(lambda connection: connection.sendall(ANSWER[: next(cuts)])) as (url, asked):
        errors = failures(url, len(ANSWER))
    head = len(ANSWER) - len(BODY)
    assert [error.sent for error in errors[:head]] == [True] * head
    assert [error.body for error in errors[head:]] == [BODY[:length] for length in range(len(BODY))]
    assert len(asked) == len(ANSWER)


@EACH_WAY
def test_a_server_that_never_answers_may_have_received_it(send: Any) -> None:
    hold = threading.Event()
    patient = httpx2.Timeout(PATIENCE, read=0.2)  # only for the answer that never comes
    with server(lambda connection: hold.wait(PATIENCE)) as (url, asked):
        with pytest.raises(Unreachable) as raised:
            send(url, timeout=patient, retries=3)
        hold.set()
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=PATIENCE) as last:
            last.sendall(b"GET /last HTTP/1.1\r\n\r\n")
            assert last.recv(1) == b""
    assert raised.value.sent
    assert [raw[:4] for raw in asked] == [b"POST", b"GET "]


@EACH_WAY
def test_nobody_at_the_address_means_nothing_was_sent(send: Any) -> None:
    with nobody_there() as port, pytest.raises(Unreachable) as raised:
        send(f"http://127.0.0.1:{port}")
    assert not raised.value.sent


@EACH_WAY
def test_an_answer_of_100_megabytes_is_read_up_to_the_limit(send: Any) -> None:
    def endless(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        for _ in range(100):
            connection.sendall(b"x" * 1_000_000)

    with server(endless) as (url, _), pytest.raises(Unreadable) as raised:
        send(url)
    assert len(raised.value.body) == 64 * 1024 * 1024
    assert "longer than 67108864 bytes" in raised.value.why


@EACH_WAY
def test_a_redirection_is_not_followed(send: Any) -> None:
    elsewhere = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with server(lambda connection: connection.sendall(elsewhere)) as (url, asked), pytest.raises(Unreadable) as raised:
        send(url)
    assert (raised.value.status, raised.value.headers["location"], len(asked)) == (302, "http://127.0.0.1:1/", 1)


@EACH_WAY
def test_an_answer_that_was_compressed_unasked_is_read(send: Any) -> None:
    import gzip

    packed = gzip.compress(BODY)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with server(lambda connection: connection.sendall(head + packed)) as (url, asked):
        assert send(url).task_id == 100001
        assert b"accept-encoding: identity" in asked[0].lower()
    broken = head + b"y" * len(packed)
    with server(lambda connection: connection.sendall(broken)) as (url, _), pytest.raises(Unreadable):
        send(url)


HEADS = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 999 \xff\r\n",
        b"HTTP/2 200\r\n",
    ]
)
LINES = st.sampled_from(
    [
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Content-Encoding: nonsense, br, zstd\r\n",
        b"Content-Type: text/xml; charset=\xc4\xda\r\n",
        b"Set-Cookie: a=b; Max-Age=x; Domain=\xff\r\n",
        b"Location: http://[\r\n",
        b"Connection: upgrade\r\n",
        b" folded\r\n",
        b"no colon\r\n",
    ]
)
RESPONSES = st.binary() | st.builds(
    lambda head, lines, body: head + b"".join(lines) + b"\r\n" + body, HEADS, st.lists(LINES, max_size=4), st.binary()
)


def test_any_bytes_of_a_server_are_a_value_or_an_error_of_the_tree() -> None:
    response = b""
    with server(lambda connection: connection.sendall(response)) as (url, _):
        with Client(url, **SETTINGS, timeout=PATIENCE) as vendor:

            @given(drawn=RESPONSES)
            @settings(max_examples=300)
            def holds(drawn: bytes) -> None:
                nonlocal response
                response = drawn
                with pytest.raises((Unreachable, Unreadable)):
                    vendor.overage()

            holds()


# What is tried again


class Flaky(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Fails so many times, then answers."""

    def __init__(self, failures: int, error: type[httpx2.RequestError]) -> None:
        self.failures = failures
        self.error = error
        self.asked = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked += 1
        if self.asked <= self.failures:
            raise self.error("no")
        return httpx2.Response(200, content=BODY)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.handle_request(request)


CONNECTING = [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError]
LATER = [
    httpx2.ReadError,
    httpx2.ReadTimeout,
    httpx2.WriteError,
    httpx2.WriteTimeout,
    httpx2.RemoteProtocolError,
    httpx2.LocalProtocolError,
    httpx2.CloseError,
]


@EACH_WAY
@pytest.mark.parametrize("error", CONNECTING)
def test_a_failure_to_connect_is_tried_again_as_often_as_asked(send: Any, error: Any) -> None:
    assert send("http://vendor", transport=Flaky(2, error), retries=2).task_id == 100001
    transport = Flaky(2, error)
    with pytest.raises(Unreachable) as raised:
        send("http://vendor", transport=transport, retries=1)
    assert (raised.value.sent, transport.asked) == (False, 2)
    transport = Flaky(1, error)
    with pytest.raises(Unreachable):
        send("http://vendor", transport=transport)
    assert transport.asked == 1


@EACH_WAY
@pytest.mark.parametrize("error", LATER)
def test_what_may_have_been_sent_is_never_sent_again(send: Any, error: Any) -> None:
    transport = Flaky(1, error)
    with pytest.raises(Unreachable) as raised:
        send("http://vendor", transport=transport, retries=5)
    assert (raised.value.sent, transport.asked) == (True, 1)


# What is said


def said(**options: Any) -> dict[str, str]:
    """The fields of a send, and its path."""
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, content=BODY)

    arguments = {name: options.pop(name) for name in ("send_time", "extno") if name in options}
    with Client("http://vendor/brand/", **SETTINGS, transport=httpx2.MockTransport(answer), **options) as vendor:
        vendor.send("15023239810,13527576163", "内容", **arguments)
    fields = parse_qs(asked[0].content.decode(), keep_blank_values=True)
    return {name: value for name, (value,) in fields.items()} | {"path": asked[0].url.path}


def test_timestamp_and_signature_come_from_one_reading_of_the_clock() -> None:
    moments = [datetime(2012, 7, 1, 15, 12, 12, tzinfo=UTC) + timedelta(seconds=n) for n in range(5)]
    readings = iter(moments)
    fields = said(clock=lambda: next(readings))
    assert fields["timestamp"] == "20120701231212"
    assert fields["sign"] == sign("test", "mima", "20120701231212") == "5cc68982f55ac74348e3d819f868fbe1"
    assert next(readings) == moments[1]


def test_send_time_is_written_in_china_standard_time() -> None:
    new_york = timezone(timedelta(hours=-5))
    assert said(send_time=datetime(2010, 10, 23, 20, 8, 10, tzinfo=new_york))["sendTime"] == "2010-10-24 09:08:10"
    assert said(send_time=datetime(2010, 10, 24, 9, 8, 10, tzinfo=CHINA))["sendTime"] == "2010-10-24 09:08:10"
    assert said()["sendTime"] == ""


def test_a_send_time_of_no_zone_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        said(send_time=datetime(2010, 10, 24, 9, 8, 10))


def test_an_address_may_have_a_path_before_the_page() -> None:
    assert said()["path"] == "/brand/v2sms.aspx"
    assert said(charset="gbk")["path"] == "/brand/v2smsGBK.aspx"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:10692",
        "ftp://vendor",
        "http://",
        "//vendor",
        "http://vendor/?a=1",
        "http://vendor/#a",
        "http://..",
    ],
)
def test_an_address_that_is_none_is_an_error_of_the_caller(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(url, **SETTINGS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"retries": -1},
        {"charset": "GBK"},
        {"account": "test\udcff"},
        {"password": "top-secret\udcff"},
        {"url": "http://user:top-secret@vendor:70000"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_right_are_errors_of_the_caller(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 - its words are looked at below
        Client(**{"url": "http://vendor"} | SETTINGS | wrong)
    assert "top-secret" not in "".join(traceback.format_exception(raised.value)) + repr(raised.value.args)


def test_a_clock_of_no_zone_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="time zone"):
        said(clock=lambda: datetime(2012, 7, 1))


def test_an_address_with_a_password_does_not_show_it() -> None:
    assert "top-secret" not in repr(Client("http://user:top-secret@vendor", **SETTINGS))


def test_the_async_client_calls_a_wsgi_application_too() -> None:
    assert send_and_await("http://vendor", transport=httpx2.WSGITransport(create_app())).task_id == 100001


def test_several_threads_may_share_a_client() -> None:
    with Client("http://vendor", **SETTINGS, transport=httpx2.WSGITransport(create_app())) as vendor:
        with ThreadPoolExecutor(8) as threads:
            tasks = list(threads.map(lambda number: vendor.send([str(number)], "x").task_id, range(100)))
        assert sorted(tasks) == list(range(100001, 100101))
        assert vendor.overage().overage == 900


@pytest.mark.parametrize(
    ("charset", "text", "places"),
    [
        ("gbk", "签名 😀 验证码 é한", ((3, "😀"), (10, "한"))),
        ("utf-8", "a\ud800b", ((1, "\ud800"),)),
    ],
)
def test_a_text_that_the_page_cannot_carry_is_not_sent(charset: Any, text: str, places: Any) -> None:
    transport = Flaky(0, httpx2.ReadError)
    with Client("http://vendor", **SETTINGS, charset=charset, transport=transport) as vendor:
        for call in (lambda: vendor.send(["15023239810"], text), lambda: vendor.checkkeyword(text)):
            with pytest.raises(UnencodableText) as raised:
                call()
            assert (raised.value.text, raised.value.places) == (text, places)
            assert all(f"at {index}" in str(raised.value) for index, _ in places)
    assert transport.asked == 0


def test_the_gbk_page_carries_the_euro_sign() -> None:
    app = create_app()
    with Client("http://vendor", **SETTINGS, charset="gbk", transport=httpx2.WSGITransport(app)) as vendor:
        assert vendor.send(["15023239810"], "5 €").success_counts == 1


# What nobody may see


def test_the_password_is_in_no_repr_error_or_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[str] = []
    secret: dict[str, Any] = SETTINGS | {"password": "top-secret"}
    for transport in (httpx2.WSGITransport(create_app()), Flaky(1, httpx2.ReadError), Flaky(1, httpx2.ConnectError)):
        with Client("http://vendor", **secret, transport=transport) as vendor:
            seen += [repr(vendor), repr(vars(vendor))]
            with pytest.raises((Refused, Unreachable)) as raised:
                vendor.overage()
            error: BaseException | None = raised.value
            seen += traceback.format_exception(error)
            while error is not None:
                seen += [repr(error), repr(vars(error))]
                error = error.__cause__
    seen.append(caplog.text)
    assert "top-secret" not in "".join(seen)
