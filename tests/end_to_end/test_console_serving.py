"""The console over a socket: live events, streams that block no other request, snippets and demos that run."""

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
from sms10692_mock.admin.console.clause_demo import load_demos
from sms10692_mock.admin.console.clauses import clauses
from sms10692_mock.admin.console.snippets import snippet
from sms10692_mock.admin.console.sse import MIN_INTERVAL
from sms10692_mock.admin.services.accounts import AccountDocument
from support.emulators import TIMEOUT, Address, build_request, emulator_process, send_raw, sign
from support.shells import INTERPRETERS

QUERY = f"userid=12&timestamp=1&sign={sign('test', 'mima', '1')}"
SEND = build_request("/v2sms.aspx", f"action=send&{QUERY}&mobile=15023239810&content=x".encode())
STATUS = build_request("/v2statusApi.aspx", f"action=query&{QUERY}".encode())


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process() as (_, found):
        yield found


def get(address: Address, path: str) -> bytes:
    """A GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n\r\n".encode()


def stream(address: Address) -> socket.socket:
    """An open stream of events, of which the first has come."""
    connection = socket.create_connection(address, timeout=TIMEOUT)
    connection.sendall(get(address, "/live"))
    assert b"text/event-stream" in until(connection, b"data: ")
    return connection


def until(connection: socket.socket, word: bytes) -> bytes:
    """What comes, up to this word."""
    received = b""
    while word not in received:
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    return received


# Streams


def test_an_event_comes_because_something_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody looks again by himself, and nothing comes from time to time.
    monkeypatch.setattr(sse, "_KEEPALIVE", TIMEOUT)
    monkeypatch.setattr("sms10692_mock.domain.notifier.POLL_SECONDS", TIMEOUT)
    with Emulator() as emulator:
        host, _, port = emulator.url.removeprefix("http://").rpartition(":")
        address = host, int(port)
        with stream(address) as events:
            events.settimeout(TIMEOUT / 3)
            for _ in range(3):
                soon = time.monotonic() + TIMEOUT
                while not emulator._notifier.waiting:
                    assert time.monotonic() < soon, "the stream does not listen"
                    time.sleep(0.001)
                send_raw(address, SEND)
                until(events, b"data: ")


def _is_there(events: socket.socket) -> bool:
    try:
        return bool(events.recv(65536))
    except BlockingIOError:
        return False


def test_many_sends_are_few_events(address: Address) -> None:
    begun = time.perf_counter()
    with stream(address) as events:
        for _ in range(300):
            send_raw(address, SEND)
        events.settimeout(0.5)
        received = b""
        try:
            while piece := events.recv(65536):
                received += piece
        except TimeoutError:
            pass
    assert 1 <= received.count(b"data: ") <= (time.perf_counter() - begun) / MIN_INTERVAL + 1


def test_streams_and_those_who_wait_hold_up_neither_the_vendor_nor_each_other(address: Address) -> None:
    all_waiting: list[socket.socket] = []
    with ExitStack() as stack:
        for _ in range(50):
            waiting = stack.enter_context(socket.create_connection(address, timeout=TIMEOUT))
            waiting.sendall(get(address, "/_mock/accounts/12/messages?wait=60&text=never"))
            all_waiting.append(waiting)
        for _ in range(20):
            stack.enter_context(stream(address))
        for _ in range(5):
            assert send_raw(address, STATUS).status == 200
            assert send_raw(address, get(address, "/")).status == 200
        for waiting in all_waiting:
            waiting.setblocking(False)
            assert not _is_there(waiting), "who waits has waited all the time"


def test_streams_of_which_nobody_is_left_end(address: Address) -> None:
    for _ in range(3):  # more in all than there are threads
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(stream(address))
    with stream(address):
        pass


# Snippets


@pytest.mark.parametrize("name", INTERPRETERS)
def test_a_snippet_runs_as_it_is(address: Address, tmp_path: Path, name: str) -> None:
    made = send_raw(address, control(address, "POST", "accounts", {"points": 1}))
    account = AccountDocument.model_construct(**json.loads(made.body))
    command = INTERPRETERS[name](snippet(name, account, f"http://{address[0]}:{address[1]}"), tmp_path)
    said = subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout
    assert "<returnstatus>Success</returnstatus>" in said
    sent = json.loads(send_raw(address, get(address, f"/_mock/accounts/{account.userid}/messages")).body)["items"]
    assert [(one["mobile"], one["content"]) for one in sent] == [("15023239810", "【签名】您的验证码是 1234")]
    (journal,) = json.loads(send_raw(address, get(address, f"/_mock/accounts/{account.userid}/requests")).body)["items"]
    whole = json.loads(send_raw(address, get(address, f"/_mock/requests/{journal['number']}")).body)
    assert whole["diagnosis"] == []


def control(address: Address, method: str, path: str, document: Any = None) -> bytes:
    """A request to the control address."""
    body = json.dumps(document or {}).encode()
    head = f"{method} /_mock/{path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


# Trials

NOT_IN_ANSWERS = {
    *("1.1-utf8", "1.1-gbk", "1.2-sign", "A7", "1.2-mobile", "1.2-sendTime-empty", "1.2-sendTime", "1.2-action"),
    *("4.2-statusNum", "4.2-default", "4.3-receivetime", "4.1-once", "5.1-once"),
}
"""Clauses of the manual whose `wire` is something that is sent, or a sentence."""


def test_each_trial_is_answered_and_shows_the_words_of_its_clause(address: Address) -> None:
    before = json.loads(send_raw(address, get(address, "/_mock/accounts")).body)
    for clause in clauses():
        answers = tried(address, clause.id)
        steps = [step for step in load_demos()[clause.id].steps if not step.advance]
        assert len(answers) == len(steps), clause.id
        shows = "".join("".join(answers).split())
        if clause.literal.startswith("<") and "…" not in clause.literal:
            assert "".join(clause.literal.split()) in shows, clause.id
        elif (
            clause.kind == "exact" and clause.literal and clause.id not in NOT_IN_ANSWERS and "…" not in clause.literal
        ):
            assert any("".join(words.split()) in shows for words in clause.literal.split("|")), clause.id
    assert json.loads(send_raw(address, get(address, "/_mock/accounts")).body)["accounts"][1:] == before["accounts"][1:]


def tried(address: Address, clause: str) -> list[str]:
    """The answers that a trial shows."""
    head = f"POST /contract/try?clause={clause} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\nHX-Request: true\r\n"
    answer = send_raw(address, f"{head}Content-Length: 0\r\n\r\n".encode())
    assert answer.status == 200, clause
    assert b"HTTP 200" in answer.body
    return [
        unescape(found)
        for found in re.findall(r'aria-label="Response [^"]*">(.*?)</pre>', answer.body.decode(), re.DOTALL)
    ]
