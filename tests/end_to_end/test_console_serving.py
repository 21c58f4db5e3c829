"""Tests of the console over a socket: event streams that block no other request, snippets and demos that run."""

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from sms10692_mock import Emulator
from sms10692_mock.admin.console import sse
from sms10692_mock.admin.console.clause_demo import DemoResult, load_demos
from sms10692_mock.admin.console.clauses import clauses
from sms10692_mock.admin.console.snippets import snippet
from sms10692_mock.admin.console.sse import MIN_INTERVAL
from sms10692_mock.admin.services.accounts import AccountDocument
from support.emulators import emulator_process, sign
from support.http_client import TIMEOUT, Address, build_request, connect, parse_address, send_raw
from support.shells import INTERPRETERS

QUERY = f"userid=12&timestamp=1&sign={sign('test', 'mima', '1')}"
SEND = build_request("/v2sms.aspx", f"action=send&{QUERY}&mobile=15023239810&content=x".encode())
STATUS = build_request("/v2statusApi.aspx", f"action=query&{QUERY}".encode())


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process() as (_, address):
        yield address


def build_get(address: Address, path: str) -> bytes:
    """Build a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n\r\n".encode()


def open_stream(address: Address) -> socket.socket:
    """Open a stream of events and wait for its first event."""
    connection = connect(address)
    connection.sendall(build_get(address, "/live"))
    assert b"text/event-stream" in receive_until(connection, b"data: ")
    return connection


def receive_until(connection: socket.socket, word: bytes) -> bytes:
    """Receive bytes until they contain this word."""
    received = b""
    while word not in received:
        chunk = connection.recv(65536)
        assert chunk, received
        received += chunk
    return received


# Streams


def test_a_change_sends_an_event_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Neither polling nor a keepalive can cause the event.
    monkeypatch.setattr(sse, "_KEEPALIVE", TIMEOUT)
    monkeypatch.setattr("sms10692_mock.domain.notifier.POLL_SECONDS", TIMEOUT)
    with Emulator() as emulator:
        address = parse_address(emulator.url)
        with open_stream(address) as events:
            events.settimeout(TIMEOUT / 3)
            for _ in range(3):
                deadline = time.monotonic() + TIMEOUT
                while not emulator._notifier.waiting:
                    assert time.monotonic() < deadline, "the stream does not wait for changes"
                    time.sleep(0.001)
                send_raw(address, SEND)
                receive_until(events, b"data: ")


def _has_data(events: socket.socket) -> bool:
    try:
        return bool(events.recv(65536))
    except BlockingIOError:
        return False


def test_many_sends_cause_few_events(address: Address) -> None:
    start = time.perf_counter()
    with open_stream(address) as events:
        for _ in range(300):
            send_raw(address, SEND)
        events.settimeout(0.5)
        received = b""
        try:
            while chunk := events.recv(65536):
                received += chunk
        except TimeoutError:
            pass
    assert 1 <= received.count(b"data: ") <= (time.perf_counter() - start) / MIN_INTERVAL + 1


def test_streams_and_waiting_requests_delay_no_other_request(address: Address) -> None:
    all_waiting: list[socket.socket] = []
    with ExitStack() as stack:
        for _ in range(50):
            waiting = stack.enter_context(connect(address))
            waiting.sendall(build_get(address, "/_mock/accounts/12/messages?wait=60&text=never"))
            all_waiting.append(waiting)
        for _ in range(20):
            stack.enter_context(open_stream(address))
        for _ in range(5):
            assert send_raw(address, STATUS).status == 200
            assert send_raw(address, build_get(address, "/")).status == 200
        for waiting in all_waiting:
            waiting.setblocking(False)
            assert not _has_data(waiting), "a waiting request was answered early"


def test_streams_end_when_their_clients_disconnect(address: Address) -> None:
    for _ in range(3):  # more streams in total than threads
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(open_stream(address))
    with open_stream(address):
        pass


# Snippets


@pytest.mark.parametrize("name", INTERPRETERS)
def test_a_snippet_runs_unchanged_and_sends_a_message(address: Address, tmp_path: Path, name: str) -> None:
    created = send_raw(address, build_control_request(address, "POST", "accounts", {"points": 1}))
    account = AccountDocument.model_construct(**json.loads(created.body))
    command = INTERPRETERS[name](snippet(name, account, f"http://{address[0]}:{address[1]}"), tmp_path)
    output = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    assert "<returnstatus>Success</returnstatus>" in output
    messages = json.loads(send_raw(address, build_get(address, f"/_mock/accounts/{account.userid}/messages")).body)[
        "items"
    ]
    assert [(message["mobile"], message["content"]) for message in messages] == [
        ("15023239810", "【签名】您的验证码是 1234")
    ]
    (summary,) = json.loads(send_raw(address, build_get(address, f"/_mock/accounts/{account.userid}/requests")).body)[
        "items"
    ]
    detail = json.loads(send_raw(address, build_get(address, f"/_mock/requests/{summary['number']}")).body)
    assert detail["diagnosis"] == []


def build_control_request(address: Address, method: str, path: str, document: Any = None) -> bytes:
    """Build a request to the control API."""
    body = json.dumps(document or {}).encode()
    head = f"{method} /_mock/{path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


# Demos

NOT_IN_RESPONSES = {
    *("1.1-utf8", "1.1-gbk", "1.2-sign", "A7", "1.2-mobile", "1.2-sendTime-empty", "1.2-sendTime", "1.2-action"),
    *("4.2-statusNum", "4.2-default", "4.3-receivetime", "4.1-once", "5.1-once"),
}
"""Clauses of the manual whose `literal` is part of a request, or a sentence."""


def test_every_demo_shows_its_responses_and_the_literal_of_its_clause(address: Address) -> None:
    before = json.loads(send_raw(address, build_get(address, "/_mock/accounts")).body)
    for clause in clauses():
        responses = run_demo(address, clause.id)
        steps = [step for step in load_demos()[clause.id].steps if not step.advance]
        assert len(responses) == len(steps), clause.id
        shown = "".join("".join(responses).split())
        if clause.literal.startswith("<") and "…" not in clause.literal:
            assert "".join(clause.literal.split()) in shown, clause.id
        elif (
            clause.provenance == "manual"
            and clause.literal
            and clause.id not in NOT_IN_RESPONSES
            and "…" not in clause.literal
        ):
            assert any("".join(literal.split()) in shown for literal in clause.literal.split("|")), clause.id
    assert (
        json.loads(send_raw(address, build_get(address, "/_mock/accounts")).body)["accounts"][1:]
        == before["accounts"][1:]
    )


def run_demo(address: Address, clause: str) -> list[str]:
    """Run the demo of a clause and return the responses that the console shows."""
    head = f"POST /contract/try?clause={clause} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nHX-Request: true\r\n"
    response = send_raw(address, f"{head}Content-Length: 0\r\n\r\n".encode())
    assert response.status == 200, clause
    assert b"HTTP 200" in response.body
    assert re.findall(r'<p><span class="badge (\w+)">', response.body.decode())[0] == "good", clause
    return [
        unescape(text)
        for text in re.findall(r'aria-label="Response [^"]*">(.*?)</pre>', response.body.decode(), re.DOTALL)
    ]


def post_form(emulator: Emulator, path: str) -> str:
    """Post an empty form of the console and return the page part, in English."""
    address = parse_address(emulator.url)
    head = f"POST {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nHX-Request: true\r\nAccept-Language: en\r\n"
    response = send_raw(address, f"{head}Content-Length: 0\r\n\r\n".encode())
    assert response.status == 200
    return unescape(response.body.decode())


def test_trying_a_chapter_judges_every_clause_of_it() -> None:
    chapter = [clause.id for clause in clauses() if clause.group == "2"]
    with Emulator() as emulator:
        page = post_form(emulator, "/contract/try-all?group=2")
        assert f"{len(chapter)} of {len(chapter)} as expected" in page
        assert re.findall(r'href="#clause-([^"]+)"', page) == chapter
        emulator.control.fault("vendor_error", "overage", message="其他错误")
        page = post_form(emulator, "/contract/try-all?group=2")
        assert f"0 of {len(chapter)} as expected" in page
        page = post_form(emulator, "/contract/try?clause=2.3-credentials-wrong")
    assert "not as expected" in page
    assert "Faults for all accounts are active" in page
    assert "<returnstatus>Faild</returnstatus><message>用户名或密码错误</message>" in page
    assert "<message>其他错误</message>" in page


@pytest.mark.parametrize(
    ("expected", "response", "verdict"),
    [
        ("<a></a>", "<a>\r\n </a>", True),
        ("<a>x</a>", "<a> x</a>", False),
        ("", "", True),
        ("", "<a/>", False),
        ("<a>", "", False),
    ],
)
def test_a_response_is_compared_without_white_space_between_elements(
    expected: str, response: str, verdict: bool
) -> None:
    assert DemoResult(response=response, expected=expected).is_expected == verdict
