"""Each fault byte for byte on a socket, and what the control API reports afterwards."""

import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.emulators import CALL, GBK, STATUS, UTF8, Address, build_request, emulator_process, sign

_PATIENCE = 60
_ROUNDED = 0.01
"""Seconds by which the clock of whoever waits may differ from that of whoever measures."""


class Answer(NamedTuple):
    """What came over a connection: nothing at all, or a head, and what came of the body."""

    head: bytes
    body: bytes

    @property
    def status(self) -> int:
        return int(self.head[9:12])

    @property
    def length(self) -> int:
        """What the head promised."""
        return int(re.findall(rb"\r\nContent-Length: (\d+)", self.head)[0])


class Client:
    """A client of an account of its own, at an emulator that runs."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.account = self.control("POST", "accounts")
        self.path = f"accounts/{self.account['userid']}"

    def control(self, method: str, path: str, document: Any = None) -> Any:
        connection = http.client.HTTPConnection(*self.address, timeout=_PATIENCE)
        headers = {"Content-Type": "application/json"}
        connection.request(method, f"/_mock/{path}", json.dumps(document or {}), headers)
        response = connection.getresponse()
        read = json.loads(response.read())
        connection.close()
        assert response.status < 300, read
        return read

    def fault(self, kind: str, **given: Any) -> Any:
        return self.control("POST", f"{self.path}/faults", {"kind": kind} | given)

    def items(self, queue: str, query: str = "") -> Any:
        return self.control("GET", f"{self.path}/{queue}?{query}")["items"]

    def raw(self, page: str = UTF8, **fields: str) -> bytes:
        """A request as bytes."""
        name, password = self.account["account"], self.account["password"]
        credentials = {"userid": self.account["userid"], "timestamp": "1", "sign": sign(name, password, "1")}
        return build_request(page, "&".join(f"{key}={value}" for key, value in (credentials | fields).items()).encode())

    def send(self, page: str = UTF8, **fields: str) -> bytes:
        return self.raw(page, **{"action": "send", "mobile": "10000000030", "content": "%E5%86%85"} | fields)

    def ask(self, raw: bytes) -> Answer | None:
        """What comes back until the server has said all, or hung up; None where that was before the first byte."""
        with socket.create_connection(self.address, timeout=_PATIENCE) as connection:
            connection.sendall(raw)
            return received(connection)


def received(connection: socket.socket) -> Answer | None:
    """One answer, as far as it comes."""
    came = b""
    while True:
        head, end, body = came.partition(b"\r\n\r\n")
        if end and len(body) >= Answer(head, body).length:
            return Answer(head, body)
        try:
            piece = connection.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            return Answer(head, body) if came else None
        came += piece


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[int, Address]]:
    with emulator_process("--log-level", "error") as (process, address):
        yield process.pid, address


@pytest.fixture
def client(served: tuple[int, Address]) -> Client:
    return Client(served[1])


def whole(client: Client) -> Answer:
    answer = client.ask(client.send())
    assert answer is not None
    assert answer.status == 200
    assert len(answer.body) == answer.length
    return answer


# Late, and never


def seconds_of(client: Client, raw: bytes) -> float:
    begun = time.monotonic()
    assert client.ask(raw) is not None
    return time.monotonic() - begun


def test_a_latency_delays_an_answer_and_no_other(client: Client) -> None:
    client.fault("latency", seconds=_PATIENCE, times=1)
    other = Client(client.address)
    with socket.create_connection(client.address, timeout=_PATIENCE) as late:
        late.sendall(client.send())
        assert len(client.control("GET", f"{client.path}/requests?wait=60")["items"]) == 1  # it is on its way
        for _ in range(3):
            whole(other)
        late.setblocking(False)
        with pytest.raises(BlockingIOError):
            late.recv(1)
    assert client.control("GET", f"{client.path}/faults")["faults"] == []


def test_latencies_of_a_range_lie_in_it_and_differ(client: Client) -> None:
    client.fault("latency", seconds=0.05, seconds_max=0.25, seed=3)
    seconds = [seconds_of(client, client.send()) for _ in range(4)]
    assert min(seconds) >= 0.05 - _ROUNDED
    assert max(seconds) - min(seconds) > 0.01


def test_forty_hanging_requests_hold_nobody_up_and_leave_nothing_behind(served: tuple[int, Address]) -> None:
    pid, address = served
    client, other = Client(address), Client(address)
    whole(other)
    open_before = _open_files(pid)
    client.fault("hang")
    hanging = [socket.create_connection(address, timeout=_PATIENCE) for _ in range(40)]
    for connection in hanging:
        connection.sendall(client.send())
    assert len(client.control("GET", f"{client.path}/requests?wait=60&count=40")["items"]) == 40
    for _ in range(3):
        whole(other)
    for connection in hanging:
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)
        connection.close()
    assert client.items("messages") == [], "the vendor was never asked"
    until = time.monotonic() + _PATIENCE
    while _open_files(pid) > open_before and time.monotonic() < until:
        time.sleep(0.02)  # until the server has seen them go
    assert _open_files(pid) <= open_before


def _open_files(pid: int) -> int:
    files = Path(f"/proc/{pid}/fd")
    return len(list(files.iterdir())) if files.exists() else 0


# Another answer


def test_a_status_comes_with_a_page_of_iis_and_the_vendor_is_not_asked(client: Client) -> None:
    client.fault("status", status=503, times=1)
    answer = client.ask(client.send())
    assert answer is not None
    assert answer.status == 503
    assert b"Content-Type: text/html\r\n" in answer.head + b"\r\n"
    assert "503 - 服务不可用。".encode("gbk") in answer.body
    assert client.items("messages") == []
    assert whole(client)


@pytest.mark.parametrize("status", [200, 204, 299, 304, 404, 418, 500, 599])
def test_any_status_may_come(client: Client, status: int) -> None:
    client.fault("status", status=status, times=1)
    connection = http.client.HTTPConnection(*client.address, timeout=_PATIENCE)
    for expected in (status, 200):  # over one connection
        head, _, body = client.send().partition(b"\r\n\r\n")
        connection.request("POST", UTF8, body, {"Content-Type": "application/x-www-form-urlencoded"})
        response = connection.getresponse()
        assert (response.status, bool(response.read())) == (expected, expected not in (204, 304)), head
    connection.close()


def test_an_empty_answer_is_http_200_and_the_vendor_did_what_it_was_asked(client: Client) -> None:
    client.fault("empty_body", times=1)
    answer = client.ask(client.send())
    assert answer is not None
    assert (answer.status, answer.length, answer.body) == (200, 0, b"")
    assert len(client.items("messages")) == 1


def test_a_message_of_the_manual_strikes_where_it_belongs(client: Client) -> None:
    client.fault("vendor_error", message="其他错误", times=1)
    client.fault("vendor_error", message="参数不正确", times=1)
    answer = client.ask(client.send())
    assert answer is not None
    assert "<returnstatus>Faild</returnstatus>\n <message>其他错误</message>" in answer.body.decode()
    answer = client.ask(client.raw(STATUS, action="query"))
    assert answer is not None
    assert "<error>4</error>\n <remark>参数不正确</remark>" in answer.body.decode()
    assert whole(client)


@pytest.mark.parametrize(("page", "charset"), [(UTF8, "gb2312"), (GBK, "utf-8"), (UTF8, "iso-8859-1")])
def test_a_wrong_label_is_in_the_head_and_in_the_declaration_over_the_same_bytes(
    client: Client, page: str, charset: str
) -> None:
    client.fault("wrong_charset", charset=charset, times=1)
    raw = client.raw(page, action="send")
    answer, right = client.ask(raw), client.ask(raw)
    assert answer is not None
    assert right is not None
    assert f"Content-Type: text/xml; charset={charset}\r\n".encode() in answer.head
    assert answer.body.startswith(f'<?xml version="1.0" encoding="{charset}" ?>'.encode())
    assert answer.body.partition(b"?>")[2] == right.body.partition(b"?>")[2]
    assert "短信号码不能为空".encode("gbk" if page == GBK else "utf-8") in answer.body


def test_a_byte_order_mark_comes_before_the_declaration(client: Client) -> None:
    client.fault("bom", times=1)
    answer = client.ask(client.send())
    assert answer is not None
    assert answer.body.startswith(b"\xef\xbb\xbf<?xml")
    assert answer.length == len(answer.body)


# Broken off


def test_a_closed_connection_has_not_one_byte_and_the_vendor_was_not_asked(client: Client) -> None:
    client.fault("disconnect", times=1)
    assert client.ask(client.send()) is None
    assert client.items("messages") == []
    client.fault("disconnect", apply=True, times=1)
    assert client.ask(client.send()) is None
    assert len(client.items("messages")) == 1


def test_an_answer_is_cut_before_any_byte_of_it(client: Client) -> None:
    body = client.ask(client.raw(action="send"))
    assert body is not None
    in_a_character = body.body.index("短".encode()) + 1
    for at in (0, 1, in_a_character, len(body.body) - 1):
        client.fault("truncate", at=at, times=1)
        answer = client.ask(client.raw(action="send"))
        assert answer is not None
        assert (answer.status, answer.length, answer.body) == (200, body.length, body.body[:at]), at
    with pytest.raises(UnicodeDecodeError):
        body.body[:in_a_character].decode()


def test_an_answer_cut_behind_its_end_is_whole_and_the_connection_is_kept(client: Client) -> None:
    client.fault("truncate", at=10_000, times=1)
    with socket.create_connection(client.address, timeout=_PATIENCE) as connection:
        for _ in range(2):
            connection.sendall(client.send())
            answer = received(connection)
            assert answer is not None
            assert len(answer.body) == answer.length


def test_a_broken_connection_breaks_no_other(served: tuple[int, Address], client: Client) -> None:
    other = Client(client.address)
    open_before = _open_files(served[0])
    with socket.create_connection(client.address, timeout=_PATIENCE) as kept:
        for kind in ("disconnect", "truncate", "disconnect"):
            client.fault(kind, times=1)
            with socket.create_connection(client.address, timeout=_PATIENCE) as mine:
                kept.sendall(other.send())
                mine.sendall(client.send())
                broken, right = received(mine), received(kept)
                assert right is not None
                assert len(right.body) == right.length
                assert broken is None or broken.body == b""
                assert mine.recv(1) == b""
    until = time.monotonic() + _PATIENCE
    while _open_files(served[0]) > open_before + 1 and time.monotonic() < until:
        time.sleep(0.02)  # until the server has seen them go
    assert _open_files(served[0]) <= open_before + 1


def test_over_ipv6_the_right_connection_is_hung_up() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("this machine has no IPv6")
    with emulator_process("--host", "::1", "--log-level", "error") as (_, address):
        client = Client(address)
        with socket.create_connection(address, timeout=_PATIENCE) as kept:
            client.fault("disconnect", times=1)
            assert client.ask(client.send()) is None
            kept.sendall(client.send())
            assert received(kept) is not None


# Handed out, then lost


@pytest.mark.parametrize(
    ("queue", "page", "box"), [("reports", STATUS, b"<statusbox>"), ("replies", CALL, b"<callbox>")]
)
def test_what_was_lost_is_gone_for_the_client_and_the_control_address_says_which(
    client: Client, queue: str, page: str, box: bytes
) -> None:
    for _ in range(3):
        whole(client)
    client.fault("drop_fetch", times=1)
    fetch = client.raw(page, action="query")
    assert client.ask(fetch) is None
    gone = client.ask(fetch)
    assert gone is not None
    assert box not in gone.body
    lost = client.items(queue)
    (to,) = {item["fetched_by_request"] for item in lost}
    assert [(item["state"], item["faults"]) for item in lost] == [("fetched", ["drop_fetch"])] * 3
    struck = client.control("GET", f"{client.path}/requests/{to}")
    assert (struck["faults"], struck["fetched"]) == (["drop_fetch"], 3)
    assert struck["response_text"].encode().count(box) == 3
    assert client.control("POST", f"{client.path}/{queue}/requeue", {"count": 2}) == {"requeued": 2}
    assert [item["state"] for item in client.items(queue)] == ["fetched", "waiting", "waiting"]
    again = client.ask(fetch)
    assert again is not None
    assert again.body.count(box) == 2
    assert [item["faults"] for item in client.items(queue)] == [["drop_fetch"], [], []]


# Which requests, whose requests


def test_a_fault_strikes_the_next_so_many_and_is_gone(client: Client) -> None:
    client.fault("empty_body", times=3)
    lengths = [answer.length for _ in range(5) if (answer := client.ask(client.send()))]
    assert [length == 0 for length in lengths] == [True, True, True, False, False]
    assert client.control("GET", f"{client.path}/faults")["faults"] == []


def test_a_share_is_struck_and_the_same_seed_strikes_the_same() -> None:
    with emulator_process("--log-level", "error") as (_, address):
        struck = []
        for seed in (7, 7, 8):
            client = Client(address)
            client.fault("empty_body", probability=0.4, seed=seed)
            with socket.create_connection(address, timeout=_PATIENCE) as connection:
                lengths = []
                for _ in range(60):
                    connection.sendall(client.send())
                    answer = received(connection)
                    assert answer is not None
                    lengths.append(answer.length)
            struck.append([length == 0 for length in lengths])
        assert struck[0] == struck[1] != struck[2]
        assert 10 < sum(struck[0]) < 40


def test_a_fault_lasts_until_it_is_removed_and_strikes_one_account_only(client: Client) -> None:
    other = Client(client.address)
    fault = client.fault("empty_body")
    assert [answer.length for _ in range(3) if (answer := client.ask(client.send()))] == [0, 0, 0]
    assert whole(other)
    client.control("DELETE", f"{client.path}/faults/{fault['id']}")
    assert whole(client)


def test_a_fault_for_all_strikes_each_and_those_that_nobody_knows() -> None:
    with emulator_process("--log-level", "error") as (_, address):
        one, other = Client(address), Client(address)
        one.control("POST", "faults", {"kind": "status", "status": 502})
        unknown = build_request(UTF8, b"action=send&userid=nobody")
        for client, raw in ((one, one.send()), (other, other.send()), (one, unknown)):
            answer = client.ask(raw)
            assert answer is not None
            assert answer.status == 502
        assert [entry["faults"] for entry in one.control("GET", "requests")["items"]] == [["status"]] * 3
        one.control("DELETE", "faults")
        assert whole(one)


def test_a_fault_of_an_operation_leaves_the_others_alone(client: Client) -> None:
    client.fault("disconnect", operations=["overage"])
    assert whole(client)
    assert client.ask(client.raw(action="overage")) is None


def test_two_faults_strike_one_answer_together(client: Client) -> None:
    client.fault("bom", times=1)
    client.fault("truncate", at=4, times=1)
    client.fault("latency", seconds=0.1, times=1)
    begun = time.monotonic()
    answer = client.ask(client.send())
    assert answer is not None
    assert answer.body == b"\xef\xbb\xbf<"
    assert time.monotonic() - begun >= 0.1 - _ROUNDED


def test_an_answer_struck_by_a_fault_is_followed_by_a_right_one_over_the_same_connection(client: Client) -> None:
    client.fault("empty_body", times=1)
    client.fault("latency", seconds=0.05, times=2)
    with socket.create_connection(client.address, timeout=_PATIENCE) as connection:
        connection.sendall(client.send() * 3)  # all before the first is answered
        came = [received_one(connection) for _ in range(3)]
    assert [len(answer.body) == 0 for answer in came] == [True, False, False]


def received_one(connection: socket.socket) -> Answer:
    """An answer, and not a byte of the next."""
    came = b""
    while not came.endswith(b"\r\n\r\n"):
        came += connection.recv(1)
    answer = Answer(came[:-4], b"")
    body = b""
    while len(body) < answer.length:
        body += connection.recv(answer.length - len(body))
    return Answer(answer.head, body)


def test_a_client_that_goes_away_while_its_answer_is_late_is_missed_by_nobody(client: Client) -> None:
    client.fault("latency", seconds=0.2, times=1)
    with socket.create_connection(client.address, timeout=_PATIENCE) as connection:
        connection.sendall(client.send())
        assert client.items("requests", f"wait={_PATIENCE}&count=1")  # Its answer is on its way.
    assert whole(client)
    assert [entry["faults"] for entry in client.items("requests")] == [["latency"], []]
    assert len(client.items("messages")) == 2
