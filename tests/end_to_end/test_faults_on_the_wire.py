"""Tests of each fault on a socket, byte for byte, and of its record in the control API."""

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.emulators import CALL, GBK, STATUS, UTF8, emulator_process, sign
from support.http_client import Address, build_request, call_control, open_session

_TIMEOUT = 60
_CLOCK_TOLERANCE = 0.01
"""Seconds by which the server's timer and the clock of the test may differ."""


class ReceivedResponse(NamedTuple):
    """The head of a response, and the received part of its body."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    @property
    def length(self) -> int:
        """The Content-Length."""
        return int(re.findall(rb"\r\nContent-Length: (\d+)", self.head)[0])


class Client:
    """A client with its own account at a running emulator."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.account = self.control("POST", "accounts")
        self.path = f"accounts/{self.account['userid']}"

    def control(self, method: str, path: str, document: Any = None) -> Any:
        return call_control(self.address, method, f"/{path}", document or {})

    def add_fault(self, kind: str, **settings: Any) -> Any:
        return self.control("POST", f"{self.path}/faults", {"kind": kind} | settings)

    def items(self, queue: str, query: str = "") -> Any:
        return self.control("GET", f"{self.path}/{queue}?{query}")["items"]

    def build(self, page: str = UTF8, **fields: str) -> bytes:
        """Build a request of the account."""
        name, password = self.account["account"], self.account["password"]
        credentials = {"userid": self.account["userid"], "timestamp": "1", "sign": sign(name, password, "1")}
        return build_request(page, "&".join(f"{key}={value}" for key, value in (credentials | fields).items()).encode())

    def build_send(self, page: str = UTF8, **fields: str) -> bytes:
        return self.build(page, **{"action": "send", "mobile": "10000000030", "content": "%E5%86%85"} | fields)

    def request(self, raw: bytes) -> ReceivedResponse | None:
        """Send a request and return its response; None if the connection was closed before the first byte."""
        with socket.create_connection(self.address, timeout=_TIMEOUT) as connection:
            connection.sendall(raw)
            return receive_response(connection)


def receive_response(connection: socket.socket) -> ReceivedResponse | None:
    """Receive one response, or the part of it before the connection was closed; None if nothing was received."""
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        if end and len(body) >= ReceivedResponse(head, body).length:
            return ReceivedResponse(head, body)
        try:
            chunk = connection.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            return ReceivedResponse(head, body) if received else None
        received += chunk


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, Address]]:
    with emulator_process("--log-level", "error") as (process, address):
        yield process.pid, address


@pytest.fixture
def client(served: tuple[int, Address]) -> Client:
    return Client(served[1])


def send_successfully(client: Client) -> ReceivedResponse:
    response = client.request(client.build_send())
    assert response is not None
    assert response.status == 200
    assert len(response.body) == response.length
    return response


# latency and hang


def measure_seconds(client: Client, raw: bytes) -> float:
    start = time.monotonic()
    assert client.request(raw) is not None
    return time.monotonic() - start


def test_a_latency_delays_one_response_and_no_other(client: Client) -> None:
    client.add_fault("latency", seconds=_TIMEOUT, times=1)
    other = Client(client.address)
    with socket.create_connection(client.address, timeout=_TIMEOUT) as delayed:
        delayed.sendall(client.build_send())
        assert (
            len(client.control("GET", f"{client.path}/requests?wait=60")["items"]) == 1
        )  # the response is delayed now
        for _ in range(3):
            send_successfully(other)
        delayed.setblocking(False)
        with pytest.raises(BlockingIOError):
            delayed.recv(1)
    assert client.control("GET", f"{client.path}/faults")["faults"] == []


def test_the_head_of_a_slow_body_arrives_at_once_and_its_body_later(client: Client) -> None:
    client.add_fault("slow_body", seconds=_TIMEOUT, times=1)
    with socket.create_connection(client.address, timeout=_TIMEOUT) as connection:
        connection.sendall(client.build_send())
        head = connection.recv(65536)
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert head.endswith(b"\r\n\r\n")
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
    for seconds in (0.02, 0.03):
        client.add_fault("slow_body", seconds=seconds, times=1)
    with socket.create_connection(client.address, timeout=_TIMEOUT) as connection:
        for minimum in (0.05, 0.0):
            start = time.monotonic()
            connection.sendall(client.build_send())
            response = receive_exactly(connection)
            assert time.monotonic() - start >= minimum - _CLOCK_TOLERANCE
            assert b"<message>ok</message>" in response.body


def test_random_latencies_differ_and_are_at_least_the_minimum(client: Client) -> None:
    client.add_fault("latency", seconds=0.05, seconds_max=0.25, seed=3)
    seconds = [measure_seconds(client, client.build_send()) for _ in range(4)]
    assert min(seconds) >= 0.05 - _CLOCK_TOLERANCE
    assert max(seconds) - min(seconds) > 0.01


def test_forty_hanging_requests_delay_no_other_and_leave_no_open_file(served: tuple[int, Address]) -> None:
    pid, address = served
    client, other = Client(address), Client(address)
    send_successfully(other)
    open_before = _count_open_files(pid)
    client.add_fault("hang")
    hanging = [socket.create_connection(address, timeout=_TIMEOUT) for _ in range(40)]
    for connection in hanging:
        connection.sendall(client.build_send())
    assert len(client.control("GET", f"{client.path}/requests?wait=60&count=40")["items"]) == 40
    for _ in range(3):
        send_successfully(other)
    for connection in hanging:
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        connection.close()
    assert client.items("messages") == [], "a hanging request was executed"
    deadline = time.monotonic() + _TIMEOUT
    while _count_open_files(pid) > open_before and time.monotonic() < deadline:
        time.sleep(0.02)  # until the server notices the disconnects
    assert _count_open_files(pid) <= open_before


def _count_open_files(pid: int) -> int:
    files = Path(f"/proc/{pid}/fd")
    return len(list(files.iterdir())) if files.exists() else 0


# A different response


def test_a_status_has_the_error_page_of_iis_and_the_request_is_not_executed(client: Client) -> None:
    client.add_fault("status", status=503, times=1)
    response = client.request(client.build_send())
    assert response is not None
    assert response.status == 503
    assert b"Content-Type: text/html\r\n" in response.head + b"\r\n"
    assert "503 - 服务不可用。".encode("gbk") in response.body
    assert client.items("messages") == []
    assert send_successfully(client)


@pytest.mark.parametrize("status", [200, 204, 299, 304, 404, 418, 500, 599])
def test_a_fault_may_have_any_status(client: Client, status: int) -> None:
    client.add_fault("status", status=status, times=1)
    headers, body = {"Content-Type": "application/x-www-form-urlencoded"}, client.build_send().partition(b"\r\n\r\n")[2]
    with open_session(client.address) as session:
        for expected in (status, 200):  # over one connection
            response = session.post(UTF8, content=body, headers=headers)
            assert (response.status_code, bool(response.content)) == (expected, expected not in (204, 304))


def test_an_empty_body_has_status_200_and_the_request_is_executed(client: Client) -> None:
    client.add_fault("empty_body", times=1)
    response = client.request(client.build_send())
    assert response is not None
    assert (response.status, response.length, response.body) == (200, 0, b"")
    assert len(client.items("messages")) == 1


def test_a_vendor_error_affects_only_endpoints_that_have_its_message(client: Client) -> None:
    client.add_fault("vendor_error", message="其他错误", times=1)
    client.add_fault("vendor_error", message="参数不正确", times=1)
    response = client.request(client.build_send())
    assert response is not None
    assert "<returnstatus>Faild</returnstatus>\n <message>其他错误</message>" in response.body.decode()
    response = client.request(client.build(STATUS, action="query"))
    assert response is not None
    assert "<error>4</error>\n <remark>参数不正确</remark>" in response.body.decode()
    assert send_successfully(client)


@pytest.mark.parametrize(("page", "charset"), [(UTF8, "gb2312"), (GBK, "utf-8"), (UTF8, "iso-8859-1")])
def test_a_wrong_charset_changes_the_header_and_the_declaration_and_no_other_byte(
    client: Client, page: str, charset: str
) -> None:
    client.add_fault("wrong_charset", charset=charset, times=1)
    raw = client.build(page, action="send")
    response, right = client.request(raw), client.request(raw)
    assert response is not None
    assert right is not None
    assert f"Content-Type: text/xml; charset={charset}\r\n".encode() in response.head
    assert response.body.startswith(f'<?xml version="1.0" encoding="{charset}" ?>'.encode())
    assert response.body.partition(b"?>")[2] == right.body.partition(b"?>")[2]
    assert "短信号码不能为空".encode("gbk" if page == GBK else "utf-8") in response.body


def test_a_byte_order_mark_precedes_the_declaration(client: Client) -> None:
    client.add_fault("bom", times=1)
    response = client.request(client.build_send())
    assert response is not None
    assert response.body.startswith(b"\xef\xbb\xbf<?xml")
    assert response.length == len(response.body)


# Disconnected and truncated responses


def test_a_disconnect_sends_no_byte_and_executes_the_request_only_with_apply(client: Client) -> None:
    client.add_fault("disconnect", times=1)
    assert client.request(client.build_send()) is None
    assert client.items("messages") == []
    client.add_fault("disconnect", apply=True, times=1)
    assert client.request(client.build_send()) is None
    assert len(client.items("messages")) == 1


def test_a_response_is_truncated_at_any_byte(client: Client) -> None:
    intact = client.request(client.build(action="send"))
    assert intact is not None
    in_a_character = intact.body.index("短".encode()) + 1
    for at in (0, 1, in_a_character, len(intact.body) - 1):
        client.add_fault("truncate", at=at, times=1)
        response = client.request(client.build(action="send"))
        assert response is not None
        assert (response.status, response.length, response.body) == (200, intact.length, intact.body[:at]), at
    with pytest.raises(UnicodeDecodeError):
        intact.body[:in_a_character].decode()


def test_a_truncation_after_the_end_leaves_the_response_and_the_connection_intact(client: Client) -> None:
    client.add_fault("truncate", at=10_000, times=1)
    with socket.create_connection(client.address, timeout=_TIMEOUT) as connection:
        for _ in range(2):
            connection.sendall(client.build_send())
            response = receive_response(connection)
            assert response is not None
            assert len(response.body) == response.length


def test_a_fault_that_closes_a_connection_closes_no_other(served: tuple[int, Address], client: Client) -> None:
    other = Client(client.address)
    open_before = _count_open_files(served[0])
    with socket.create_connection(client.address, timeout=_TIMEOUT) as persistent:
        for kind in ("disconnect", "truncate", "disconnect"):
            client.add_fault(kind, times=1)
            with socket.create_connection(client.address, timeout=_TIMEOUT) as faulty:
                persistent.sendall(other.build_send())
                faulty.sendall(client.build_send())
                broken, right = receive_response(faulty), receive_response(persistent)
                assert right is not None
                assert len(right.body) == right.length
                assert broken is None or broken.body == b""
                assert faulty.recv(1) == b""
    deadline = time.monotonic() + _TIMEOUT
    while _count_open_files(served[0]) > open_before + 1 and time.monotonic() < deadline:
        time.sleep(0.02)  # until the server notices the disconnects
    assert _count_open_files(served[0]) <= open_before + 1


def test_over_ipv6_only_the_connection_of_the_fault_is_closed() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with emulator_process("--host", "::1", "--log-level", "error") as (_, address):
        client = Client(address)
        with socket.create_connection(address, timeout=_TIMEOUT) as persistent:
            client.add_fault("disconnect", times=1)
            assert client.request(client.build_send()) is None
            persistent.sendall(client.build_send())
            assert receive_response(persistent) is not None


# drop_fetch


@pytest.mark.parametrize(
    ("queue", "page", "box"), [("reports", STATUS, b"<statusbox>"), ("replies", CALL, b"<callbox>")]
)
def test_dropped_items_are_not_fetched_again_and_the_control_api_lists_them(
    client: Client, queue: str, page: str, box: bytes
) -> None:
    for _ in range(3):
        send_successfully(client)
    client.add_fault("drop_fetch", times=1)
    fetch = client.build(page, action="query")
    assert client.request(fetch) is None
    empty = client.request(fetch)
    assert empty is not None
    assert box not in empty.body
    dropped = client.items(queue)
    (number,) = {item["fetched_by_request"] for item in dropped}
    assert [(item["state"], item["faults"]) for item in dropped] == [("fetched", ["drop_fetch"])] * 3
    faulty = client.control("GET", f"{client.path}/requests/{number}")
    assert (faulty["faults"], faulty["fetched"]) == (["drop_fetch"], 3)
    assert faulty["response_text"].encode().count(box) == 3
    assert client.control("POST", f"{client.path}/{queue}/requeue", {"count": 2}) == {"requeued": 2}
    assert [item["state"] for item in client.items(queue)] == ["fetched", "waiting", "waiting"]
    refetched = client.request(fetch)
    assert refetched is not None
    assert refetched.body.count(box) == 2
    assert [item["faults"] for item in client.items(queue)] == [["drop_fetch"], [], []]


# Which requests are affected


def test_a_fault_affects_the_next_requests_as_often_as_times_says(client: Client) -> None:
    client.add_fault("empty_body", times=3)
    lengths = [response.length for _ in range(5) if (response := client.request(client.build_send()))]
    assert [length == 0 for length in lengths] == [True, True, True, False, False]
    assert client.control("GET", f"{client.path}/faults")["faults"] == []


def test_a_fault_with_a_probability_affects_some_requests_and_the_same_ones_with_the_same_seed() -> None:
    with emulator_process("--log-level", "error") as (_, address):
        faulty = []
        for seed in (7, 7, 8):
            client = Client(address)
            client.add_fault("empty_body", probability=0.4, seed=seed)
            with socket.create_connection(address, timeout=_TIMEOUT) as connection:
                lengths = []
                for _ in range(60):
                    connection.sendall(client.build_send())
                    response = receive_response(connection)
                    assert response is not None
                    lengths.append(response.length)
            faulty.append([length == 0 for length in lengths])
        assert faulty[0] == faulty[1] != faulty[2]
        assert 10 < sum(faulty[0]) < 40


def test_a_fault_affects_one_account_until_removed(client: Client) -> None:
    other = Client(client.address)
    fault = client.add_fault("empty_body")
    assert [response.length for _ in range(3) if (response := client.request(client.build_send()))] == [0, 0, 0]
    assert send_successfully(other)
    client.control("DELETE", f"{client.path}/faults/{fault['id']}")
    assert send_successfully(client)


def test_a_global_fault_affects_every_account_and_unknown_userids() -> None:
    with emulator_process("--log-level", "error") as (_, address):
        first, second = Client(address), Client(address)
        first.control("POST", "faults", {"kind": "status", "status": 502})
        unknown = build_request(UTF8, b"action=send&userid=unknown")
        for client, raw in ((first, first.build_send()), (second, second.build_send()), (first, unknown)):
            response = client.request(raw)
            assert response is not None
            assert response.status == 502
        assert [request["faults"] for request in first.control("GET", "requests")["items"]] == [["status"]] * 3
        first.control("DELETE", "faults")
        assert send_successfully(first)


def test_a_fault_of_one_operation_does_not_affect_others(client: Client) -> None:
    client.add_fault("disconnect", operations=["overage"])
    assert send_successfully(client)
    assert client.request(client.build(action="overage")) is None


def test_several_faults_affect_one_response_together(client: Client) -> None:
    client.add_fault("bom", times=1)
    client.add_fault("truncate", at=4, times=1)
    client.add_fault("latency", seconds=0.1, times=1)
    start = time.monotonic()
    response = client.request(client.build_send())
    assert response is not None
    assert response.body == b"\xef\xbb\xbf<"
    assert time.monotonic() - start >= 0.1 - _CLOCK_TOLERANCE


def test_a_response_after_a_faulty_one_on_the_same_connection_is_correct(client: Client) -> None:
    client.add_fault("empty_body", times=1)
    client.add_fault("latency", seconds=0.05, times=2)
    with socket.create_connection(client.address, timeout=_TIMEOUT) as connection:
        connection.sendall(client.build_send() * 3)  # all before the first response
        responses = [receive_exactly(connection) for _ in range(3)]
    assert [len(response.body) == 0 for response in responses] == [True, False, False]


def receive_exactly(connection: socket.socket) -> ReceivedResponse:
    """Receive one response and no byte of the next."""
    received = b""
    while not received.endswith(b"\r\n\r\n"):
        received += connection.recv(1)
    response = ReceivedResponse(received[:-4], b"")
    body = b""
    while len(body) < response.length:
        body += connection.recv(response.length - len(body))
    return ReceivedResponse(response.head, body)


def test_a_request_is_executed_although_its_client_disconnects_during_a_latency(client: Client) -> None:
    client.add_fault("latency", seconds=0.2, times=1)
    with socket.create_connection(client.address, timeout=_TIMEOUT) as connection:
        connection.sendall(client.build_send())
        assert client.items("requests", f"wait={_TIMEOUT}&count=1")  # the response is delayed now
    assert send_successfully(client)
    assert [request["faults"] for request in client.items("requests")] == [["latency"], []]
    assert len(client.items("messages")) == 2
