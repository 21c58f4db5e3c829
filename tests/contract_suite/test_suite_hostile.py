"""Tests with hostile servers: they cannot block the suite, exhaust its memory, or crash it."""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, repeat

import pytest

from sms10692_contract import limits
from sms10692_contract.clauses import BY_ID
from sms10692_contract.control import ControlApiError, ControlClient
from sms10692_contract.expected import ParsedResponse
from sms10692_contract.harness import CheckContext
from sms10692_contract.http import ExchangeLimitExceeded, HttpResponse, TargetUnreachable, parse_address, send_request
from sms10692_contract.requests import STATUS, UTF8, WireRequest, build_form
from sms10692_contract.runner import State, run_checks
from sms10692_contract.safety import SafetyGuard
from sms10692_contract.suite_account import SuiteAccount
from support.contract_cli import run_contract, select
from support.fake_servers import fake_control_api
from support.raw_servers import byte_server

OWN = ["--userid", "12", "--account", "test", "--password", "mima", "--rate", "0"]
REQUEST = build_form(UTF8, {"action": "overage"})
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
LARGE = b"x" * 65536


def dripping(head: bytes, chunk: bytes) -> Callable[[], Iterator[bytes]]:
    """Return an endless response whose chunks come too often for the timeout of a single read."""

    def chunks() -> Iterator[bytes]:
        yield head
        while True:
            time.sleep(0.01)  # delay between chunks
            yield chunk

    return chunks


@pytest.mark.parametrize(
    "chunks",
    [
        lambda: chain([OK + b"\r\n"], repeat(LARGE)),
        lambda: chain([OK + b"Content-Length: 10000000000\r\n\r\n"], repeat(LARGE)),
        lambda: chain([OK + b"Transfer-Encoding: chunked\r\n\r\n"], repeat(b"10000\r\n" + LARGE + b"\r\n")),
        lambda: chain([OK + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"], repeat(LARGE)),
        lambda: chain([OK + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n"], repeat(LARGE)),
        lambda: chain([OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"], repeat(b"X: y\r\n" * 1000)),
        lambda: repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
        lambda: repeat(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 1000),
    ],
    ids=["no length", "length", "chunks", "one chunk", "negative chunk", "trailers", "100", "103"],
)
def test_an_endless_response_is_an_error(
    chunks: Callable[[], Iterable[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RESPONSE_BYTES", 1024 * 1024)
    with (
        byte_server(chunks) as url,
        pytest.raises(TargetUnreachable, match=r"\d: the response is larger than 1024 KiB"),
    ):
        send_request(parse_address(url), REQUEST)


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        (lambda: chain([OK], repeat(b"X: y\r\n" * 100)), "more than 100 headers"),
        (lambda: chain([OK + b"X: "], repeat(LARGE)), "header line"),
        (lambda: chain([b"HTTP/1.1 200 "], repeat(LARGE)), "status line"),
        (lambda: [b"\x9b2J\r\n\r\n"], "\x9b2J"),
        (lambda: [b"\x16\x03\x01" + LARGE], "status line"),
        (lambda: [OK + b"Content-Length: 5\r\n\r\n123"], "the connection ended 2 bytes before the response did"),
        (lambda: [OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n123"], "IncompleteRead"),
        (lambda: [OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n123"], "IncompleteRead"),
        (list, "closed connection without response"),
    ],
)
def test_an_invalid_http_response_is_an_error(chunks: Callable[[], Iterable[bytes]], message: str) -> None:
    with byte_server(chunks) as url, pytest.raises(TargetUnreachable, match=message) as raised:
        send_request(parse_address(url), REQUEST)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    "chunks",
    [
        dripping(b"", b"H"),
        dripping(OK, b"X"),
        dripping(OK + b"\r\n", b"x"),
        dripping(OK + b"Content-Length: 1000000\r\n\r\n", b"x"),
        dripping(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    ],
    ids=["status line", "head", "no length", "length", "chunks", "100", "102"],
)
def test_a_response_that_is_too_slow_is_an_error(
    chunks: Callable[[], Iterable[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "EXCHANGE_SECONDS", 0.5)
    with (
        byte_server(chunks) as url,
        pytest.raises(ExchangeLimitExceeded, match=r"the exchange was not complete after 0.5 s"),
    ):
        send_request(parse_address(url), REQUEST)


def test_a_server_that_sends_nothing_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STEP_SECONDS", 0.2)
    with (
        byte_server(dripping(b"", b"")) as url,
        pytest.raises(ExchangeLimitExceeded, match=r"nothing was received for 0.2 s"),
    ):
        send_request(parse_address(url), REQUEST)


@pytest.mark.parametrize(
    ("first_response", "message"),
    [
        (b"HTTP/1.1 417 No\r\n\r\n", "instead of 100 Continue"),
        (b"", "the server disconnected before 100 Continue"),
        (b"HTTP/1.1 100 Continue\r\n" + b"X: y\r\n" * 400_000, "the response is larger than 1024 KiB"),
        # The server closes while the body is under way: the kernel may reset the connection.
        (b"HTTP/1.1 100 Continue\r\n\r\n", "closed connection|Connection reset by peer"),
    ],
)
def test_a_missing_100_continue_is_an_error(
    first_response: bytes, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RESPONSE_BYTES", 1024 * 1024)
    expecting = WireRequest(UTF8, (), "POST", UTF8.encode(), (("Expect", "100-continue"),), b"x")
    with byte_server(lambda: [first_response]) as url, pytest.raises(TargetUnreachable, match=message):
        send_request(parse_address(url), expecting)


def test_interim_responses_are_skipped() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    with byte_server(lambda: [interim, OK, b"Content-Length: 2\r\n\r\nok"]) as url:
        assert send_request(parse_address(url), REQUEST) == HttpResponse(200, "text/xml", b"ok")


def test_an_endless_first_response_is_exit_code_3() -> None:
    with byte_server(lambda: chain([OK + b"\r\n"], repeat(LARGE))) as url:
        completed = run_contract(url, *OWN)
    assert (completed.returncode, completed.stdout) == (3, "")
    assert completed.stderr == f"sms10692-contract: {url}: the response is larger than 16384 KiB\n"


def test_an_endless_response_fails_a_clause_after_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shrinking would wait as long again for every example."""
    requests: list[int] = []

    def chunks() -> Iterable[bytes]:
        requests.append(1)
        return chain([OK + b"\r\n"], repeat(LARGE))

    monkeypatch.setattr(limits, "RESPONSE_BYTES", 1024 * 1024)
    with byte_server(chunks) as url:
        context = CheckContext(parse_address(url), SuiteAccount("12", "test", "mima"), SafetyGuard())
        verdicts = list(run_checks(context, [BY_ID["2.3-found"], BY_ID["Q4"]]))
    assert [(verdict.state, verdict.expected) for verdict in verdicts] == [(State.FAILED, "a response")] * 2
    assert all("the response is larger than 1024 KiB" in verdict.actual for verdict in verdicts)
    assert len(requests) == 2


@pytest.mark.parametrize("document", ["[" * 200_000, '{"a":' * 200_000, "1" * 5000, '"\\ud800"'])
def test_invalid_json_is_not_a_control_api(document: str) -> None:
    with fake_control_api(201, document) as url, pytest.raises(ControlApiError, match="is not a control API"):
        ControlClient(parse_address(url)).create_account()


@pytest.mark.parametrize("userid", ["😀", "\\ud800", "\\u0000\\r\\n/../"])
def test_an_account_whose_userid_cannot_be_encoded_is_refused(userid: str) -> None:
    document = '{"userid": "USERID", "account": "a", "password": "b", "points": 1}'.replace("USERID", userid)
    with fake_control_api(201, document) as url:
        completed = run_contract(url, "--control", url, *select("2.3-found"))
    assert completed.returncode in (1, 2)
    assert "Traceback" not in completed.stderr


ELEMENT_COUNT = 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "<message>" * ELEMENT_COUNT,
        "<statusbox>" * ELEMENT_COUNT,
        "<statusbox>" + "<a>" * ELEMENT_COUNT,
        "<statusbox>" + "".join(f"<a{number}>" for number in range(ELEMENT_COUNT // 4)) + "</statusbox>",
        "<statusbox>" + "<a>" * (ELEMENT_COUNT // 2) + "</b>" * (ELEMENT_COUNT // 2) + "</statusbox>",
        "<" * ELEMENT_COUNT,
    ],
    ids=["openings", "boxes", "elements", "names", "others", "angles"],
)
def test_parsing_a_response_takes_linear_time(text: str) -> None:
    """A parser that searches from each opening tag to the end would take hours."""
    response = ParsedResponse(build_form(STATUS, {}), HttpResponse(200, "text/xml", text.encode()))
    assert response.get_element("message") == ""
    assert all(box == {} for box in response.get_items("statusbox"))
