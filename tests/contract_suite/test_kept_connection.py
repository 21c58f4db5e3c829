"""Tests of kept connections: order of responses, pieces, Expect without a 100, and the safety guard."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread

import pytest

from sms10692_contract.expectations import Mismatch
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import parse_address
from sms10692_contract.network_errors import ConnectionLost
from sms10692_contract.pace import Pace
from sms10692_contract.requests import STATUS, UTF8, WireRequest, build_request, keep_open
from sms10692_contract.safety import PermissionMissing, SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from support.raw_servers import encode_response

OWN = SuiteAccount("12", "test", "mima")
EXPECT = ("Expect", "100-continue")


def overage(content: str = "") -> WireRequest:
    return keep_open(build_request(UTF8, body=[("action", "overage"), ("content", content)]))


@contextmanager
def serving(serve: Callable[[socket.socket], object], is_sandboxed: bool = True) -> Iterator[CheckContext]:
    """Serve one connection with this function, and yield a context for its address."""
    guard = SafetyGuard(userids={"99"} if is_sandboxed else set())
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(10)
                serve(connection)

        thread = Thread(target=accept)
        thread.start()
        yield CheckContext(parse_address(f"http://127.0.0.1:{listener.getsockname()[1]}"), OWN, guard)
        thread.join(10)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        received += connection.recv(65536)
    return received


def test_pipelined_responses_are_read_in_order() -> None:
    def serve(connection: socket.socket) -> None:
        read_until(connection, b"content=b")
        connection.sendall(encode_response(b"first") + encode_response(b"second"))

    with serving(serve) as context, context.keep_connection() as conversation:
        responses = conversation.pipeline([overage("a"), overage("b")])
        assert [response.raw.body for response in responses] == [b"first", b"second"]
        assert [response.request for response in responses] == [overage("a"), overage("b")]
        assert list(context.transcript) == [overage("a"), overage("b")]


def test_a_response_that_does_not_come_is_a_mismatch_of_its_request() -> None:
    def serve(connection: socket.socket) -> None:
        read_until(connection, b"content=b")
        connection.sendall(encode_response(b"first"))

    with serving(serve) as context, context.keep_connection() as conversation:
        with pytest.raises(Mismatch, match="a response to each request on the same connection") as caught:
            conversation.pipeline([overage("a"), overage("b")])
        assert caught.value.request == overage("b")


def test_on_a_network_a_response_that_does_not_come_is_lost() -> None:
    with serving(lambda connection: connection.recv(65536), is_sandboxed=False) as context:
        with pytest.raises(ConnectionLost), context.keep_connection() as conversation:
            conversation.exchange(overage("a"))


def test_a_body_is_sent_without_a_100_after_a_moment() -> None:
    received = []

    def serve(connection: socket.socket) -> None:
        received.append(read_until(connection, b"\r\n\r\n"))
        received.append(read_until(connection, b"content=a"))
        connection.sendall(encode_response(b"read"))

    request = overage("a")
    request = replace(request, headers=(*request.headers, EXPECT))
    with serving(serve) as context:
        context.pace = Pace(without_continue=0.05)
        with context.keep_connection() as conversation:
            assert conversation.exchange_after_continue(request).raw.body == b"read"
    assert b"Expect: 100-continue\r\n\r\n" in received[0]
    assert received[1] == b"action=overage&content=a"


def test_an_interim_response_is_skipped() -> None:
    def serve(connection: socket.socket) -> None:
        read_until(connection, b"content=a")
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n" + encode_response(b"final"))

    with serving(serve) as context, context.keep_connection() as conversation:
        assert conversation.exchange(overage("a")).raw.body == b"final"


def test_a_request_arrives_complete_from_pieces() -> None:
    pieces: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        while not b"".join(pieces).endswith(b"content=a"):
            pieces.append(connection.recv(65536))
        connection.sendall(encode_response(b"read"))

    with serving(serve) as context, context.keep_connection() as conversation:
        assert conversation.exchange_in_pieces(overage("a"), [3, 1]).raw.body == b"read"
        head = overage("a").build_head(context.address.netloc)
    assert b"".join(pieces) == head + b"action=overage&content=a"


@pytest.mark.parametrize("closes", [True, False])
def test_the_end_of_a_connection_is_noticed(closes: bool) -> None:
    def serve(connection: socket.socket) -> None:
        read_until(connection, b"content=a")
        connection.sendall(encode_response(b"read"))
        if not closes:
            connection.recv(1)

    with serving(serve) as context, context.keep_connection() as conversation:
        conversation.exchange(overage("a"))
        assert conversation.connection.is_closed_by_server(5 if closes else 0.05) is closes


def test_a_kept_connection_asks_the_safety_guard_before_it_sends() -> None:
    received = []

    def serve(connection: socket.socket) -> None:
        received.append(connection.recv(65536))

    fetch = keep_open(build_request(STATUS, body=[*OWN.build_credentials().items(), ("action", "query")]))
    with serving(serve) as context, context.keep_connection() as conversation:
        for send in (conversation.exchange, conversation.exchange_to_end, conversation.exchange_after_continue):
            with pytest.raises(PermissionMissing):
                send(fetch)
        with pytest.raises(PermissionMissing):
            conversation.pipeline([overage(), fetch])
        with pytest.raises(PermissionMissing):
            conversation.exchange_in_pieces(fetch, [1])
    assert received == [b""]
