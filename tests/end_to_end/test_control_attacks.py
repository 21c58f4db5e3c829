"""Tests of attacks on the control API over a socket: foreign origins, rebound hosts, unusual paths and Host headers."""

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from support.emulators import emulator_process, read_log, wait_exit
from support.http_client import Address, build_request, send_raw

SECRET = "5e cret:秘密"
"""A password that no unauthorized response may contain."""

TOKEN = "t0ken"


@pytest.fixture(scope="module")
def address() -> Iterator[Address]:
    with emulator_process("--account", f"77:shop:{SECRET}", "--log-level", "error") as (_, address):
        yield address


@pytest.fixture(scope="module")
def with_token() -> Iterator[Address]:
    options = ("--token", TOKEN, "--allow-host", "Mock.Example")
    with emulator_process("--account", f"77:shop:{SECRET}", "--log-level", "error", *options) as (_, address):
        yield address


def get_status(address: Address, path: str, *headers: str, method: str = "GET", body: str = "") -> int:
    """Send a request and return the status of its response. A response other than 200 contains no password."""
    length = [f"Content-Length: {len(body)}"] if body else []
    raw = "\r\n".join([f"{method} {path} HTTP/1.1", *headers, *length, "", body]).encode("latin-1")
    response = send_raw(address, raw)
    if response.status != 200:
        assert b"mima" not in response.body
        assert json.dumps(SECRET)[1:-1].encode() not in response.body
    return response.status


HOME = "Host: 127.0.0.1"
ACCOUNTS = "/_mock/accounts"


def test_an_authorized_client_sees_the_passwords(address: Address) -> None:
    response = send_raw(address, f"GET {ACCOUNTS} HTTP/1.1\r\n{HOME}\r\n\r\n".encode())
    assert [account["password"] for account in json.loads(response.body)["accounts"]] == ["mima", SECRET]


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("Host: LOCALHOST:10692", 200),
        ("Host: 127.0.0.99", 200),
        ("Host: [::1]", 200),
        ("Host: mock.example", 403),
        ("Host: [::ffff:127.0.0.1]", 200),
        ("Host: [::ffff:7f00:1]", 200),
        ("Host: localhost.", 403),
        ("Host: sms.localhost", 403),
        ("Host: 192.168.1.5", 403),
        ("Host: localhost.rebound.example", 403),
        ("Host: [::1%rebound.example]", 403),
        ("Host: ::1%rebound.example:80", 403),
        ("Host: 127.0.0.1.rebound.example", 403),
        ("Host: user@localhost", 403),
        ("Host: localhost@rebound.example", 403),
        ("Host: localhost:80@rebound.example", 403),
        ("Host: localhost, rebound.example", 403),
        ("Host: rebound.example:10692", 403),
        ("Host: 0.0.0.0", 403),
        ("Host: 127.1", 403),
        ("Host: 2130706433", 403),
        ("Host: 0x7f000001", 403),
        ("Host: [::]", 403),
        ("Host: [::ffff:8.8.8.8]", 403),
        ("Host:", 403),
        ("Host: localhost\r\nHost: rebound.example", 403),
        ("Host: rebound.example\r\nHost: localhost", 403),
        ("X-Forwarded-Host: localhost\r\nHost: rebound.example", 403),
        ("Forwarded: host=localhost\r\nHost: rebound.example", 403),
        ("X-Nothing: x", 403),
    ],
)
def test_only_loopback_hosts_are_accepted(address: Address, host: str, expected: int) -> None:
    assert get_status(address, ACCOUNTS, host) == expected


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("//_mock/accounts", 403),
        ("///_mock///accounts", 403),
        ("/_mock//accounts", 403),
        ("/%5fmock/accounts", 403),
        ("/%5Fmock%2Faccounts", 403),
        ("/%2f_mock/accounts", 403),
        ("/_mock/accounts/", 403),
        ("/_mock/accounts/77", 403),
        ("/_mock/requests", 403),
        ("/_mock/openapi.json", 403),
        ("/_mock/swagger", 403),
        ("/_mock/", 403),
        ("/_mock", 403),
        ("/_mock/nowhere", 403),
        ("/_mock/accounts;x", 403),
        ("/_mock/accounts?x=/v2sms.aspx", 403),
        ("/_MOCK/accounts", 404),
        ("/x/../_mock/accounts", 404),
        ("/./_mock/accounts", 404),
        ("/v2sms.aspx/../_mock/accounts", 200),  # the vendor's endpoint, with any path after it
        ("http://127.0.0.1/_mock/accounts", 403),
        ("http://rebound.example/_mock/accounts", 403),
        ("http:///_mock/accounts", 400),
    ],
)
def test_no_spelling_of_the_path_bypasses_the_host_check(address: Address, target: str, expected: int) -> None:
    response = send_raw(address, f"GET {target} HTTP/1.1\r\nHost: rebound.example\r\n\r\n".encode())
    assert response.status == expected
    assert b"mima" not in response.body


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("http://evil.example/_mock/accounts", 403),
        ("http://evil.example:80/_mock/accounts", 403),
        ("https://user@127.0.0.1/_mock/accounts", 403),
        ("HTTP://127.0.0.1/_mock/accounts", 200),
    ],
)
def test_the_host_of_a_target_in_absolute_form_is_checked(address: Address, target: str, expected: int) -> None:
    assert get_status(address, target, HOME) == expected
    assert get_status(address, target) == expected


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-For: 10.0.0.1",
        "x-forwarded-for:",
        "X-Forwarded-Host: 127.0.0.1",
        "X-Forwarded-Proto: https",
        "X-Forwarded-Server: nginx",
        "X-Forwarded: for=10.0.0.1",
        "Forwarded: for=10.0.0.1;host=127.0.0.1",
        "Via: 1.1 squid",
        "X-Real-IP: 10.0.0.1",
        "X-Client-IP: 10.0.0.1",
        "CF-Connecting-IP: 10.0.0.1",
        "True-Client-IP: 10.0.0.1",
        "X-Envoy-External-Address: 10.0.0.1",
    ],
)
@pytest.mark.parametrize("path", [ACCOUNTS, "/_mock/swagger", "/", "/requests", "/login", "/static/console.js"])
def test_requests_with_headers_of_a_proxy_are_refused(
    address: Address, with_token: Address, header: str, path: str
) -> None:
    assert get_status(address, path, HOME, header) == 403
    head = f"GET {path} HTTP/1.1\r\n{HOME}\r\n{header}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
    response = send_raw(with_token, head.encode())
    assert response.status == 403
    assert b"--public-url URL" in response.body
    assert b"--trusted-proxy ADDRESS" in response.body


def test_http_1_0_requires_a_token(address: Address, with_token: Address) -> None:
    raw = f"GET {ACCOUNTS} HTTP/1.0\r\n{HOME}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode()
    refused = send_raw(address, raw)
    assert refused.status == 403
    assert b"--token" in refused.body
    assert send_raw(with_token, raw).status == 200


@pytest.mark.parametrize("host", ["mock.example:80", "MOCK.EXAMPLE", "127.0.0.1"])
def test_an_allowed_host_requires_the_token(with_token: Address, host: str) -> None:
    for path in (ACCOUNTS, "/_mock/requests", "/_mock/state"):
        assert get_status(with_token, path, f"Host: {host}") == 401
        assert get_status(with_token, path, f"Host: {host}", f"Authorization: Bearer {TOKEN}") == 200


def test_an_allowed_host_without_a_token_gets_a_random_one_which_is_printed() -> None:
    with emulator_process("--allow-host", "mock.example", "--log-level", "error") as (process, address):
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        token = lines[-1].removeprefix("token of the control API: ").strip()
        for host in ("Host: mock.example", HOME):
            assert get_status(address, ACCOUNTS, host) == 401
            assert get_status(address, "/_mock/health/ready", host) == 200
            assert get_status(address, ACCOUNTS, host, f"Authorization: Bearer {token}") == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("10.0.0.5", 200),
        ("10.0.0.5:8080", 200),
        ("[fd00::5]:10692", 200),
        ("0.0.0.0", 200),  # noqa: S104 - nothing is bound here
        ("[::ffff:8.8.8.8]", 200),
        ("localhost.", 200),
        ("sms.localhost:10692", 200),
        ("localhost.rebound.example", 403),
        ("127.1", 403),
        ("2130706433", 403),
        ("rebound.example", 403),
        ("", 403),
    ],
)
def test_with_a_token_only_hosts_that_cannot_be_rebound_are_accepted(
    with_token: Address, host: str, expected: int
) -> None:
    assert get_status(with_token, ACCOUNTS, f"Host: {host}", f"Authorization: Bearer {TOKEN}") == expected


@pytest.mark.parametrize(
    ("host", "origin", "expected"),
    [
        ("127.0.0.1:10692", "https://mock.example", 200),
        ("127.0.0.1:10692", "http://Mock.Example:8443", 200),
        ("mock.example", "https://mock.example:8443", 200),
        ("mock.example:443", "https://mock.example", 200),
        ("localhost:80", "http://localhost", 200),
        ("localhost:80", "https://localhost", 403),
        ("127.0.0.1:10692", "https://mock.example.other.example", 403),
        ("127.0.0.1:10692", "https://other.example/mock.example", 403),
        ("127.0.0.1:10692", "https://mock.example@other.example", 403),
        ("127.0.0.1:10692", "https://mock.example,https://other.example", 403),
        ("127.0.0.1:10692", "file://mock.example", 403),
    ],
)
def test_only_origins_of_the_request_host_or_of_allowed_hosts_are_accepted(
    with_token: Address, host: str, origin: str, expected: int
) -> None:
    headers = (f"Host: {host}", f"Origin: {origin}", f"Authorization: Bearer {TOKEN}")
    assert get_status(with_token, ACCOUNTS, *headers) == expected


@pytest.mark.parametrize(
    "header",
    [
        "Origin: http://other.example",
        "Origin: http://127.0.0.1:1",
        "Origin: http://localhost",
        "Origin: https://127.0.0.1.other.example",
        "Origin: null",
        "Origin: http://[::1",
        "Origin: file://",
        "Origin: http://other.example\r\nOrigin: http://127.0.0.1",
        "Origin: http://other.example@127.0.0.1",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: Cross-Site",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS", "HEAD"])
def test_a_page_of_another_origin_is_refused(address: Address, header: str, method: str) -> None:
    assert (
        get_status(address, ACCOUNTS, HOME, header, "Content-Type: application/json", method=method, body="{}") == 403
    )


def test_no_response_has_cors_headers(address: Address) -> None:
    for method in ("GET", "OPTIONS", "POST"):
        command = ["curl", "--silent", "--include", "--request", method, f"http://{address[0]}:{address[1]}{ACCOUNTS}"]
        for origin in ([], ["--header", "Origin: http://other.example"], ["--header", "Sec-Fetch-Site: same-origin"]):
            response = subprocess.run([*command, *origin], capture_output=True, check=True).stdout.lower()
            assert response.startswith(b"http/1.1 ")
            assert b"access-control" not in response.partition(b"\r\n\r\n")[0]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/json5",
        "text/json",
        "application/x-www-form-urlencoded\r\nContent-Type: application/json",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", ACCOUNTS), ("POST", "/_mock/reset"), ("PUT", "/_mock/clock"), ("DELETE", "/_mock/accounts/77")],
)
def test_a_form_changes_nothing(address: Address, content_type: str, method: str, path: str) -> None:
    refused = get_status(address, path, HOME, f"Content-Type: {content_type}", method=method, body="{}")
    assert refused in (400, 415)
    assert get_status(address, "/_mock/accounts/77", HOME) == 200


def test_a_get_changes_nothing(address: Address) -> None:
    for path in ("reset", "clock/advance", "accounts/77/reset", "accounts/77/reports/requeue"):
        assert get_status(address, f"/_mock/{path}", HOME) == 405
    for header in ("X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE"):
        assert get_status(address, "/_mock/accounts/77", HOME, header) == 200
    assert get_status(address, "/_mock/accounts/77?_method=DELETE", HOME) == 200
    assert get_status(address, "/_mock/accounts/77", HOME) == 200


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (f"Authorization: Bearer {TOKEN}", 200),
        (f"authorization: bearer {TOKEN}", 200),
        (f"Authorization: BEARER   {TOKEN}", 200),
        ("X-Nothing: x", 401),
        ("Authorization:", 401),
        ("Authorization: Bearer", 401),
        ("Authorization: Bearer ", 401),
        (f"Authorization: {TOKEN}", 401),
        (f"Authorization: Basic {TOKEN}", 401),
        (f"Authorization: Bearer {TOKEN[:-1]}", 401),
        (f"Authorization: Bearer {TOKEN}x", 401),
        (f"Authorization: Bearer {TOKEN.upper()}", 401),
        (f"Authorization: Bearer x\r\nAuthorization: Bearer {TOKEN}", 401),
        ("Authorization: Bearer \xe7\xa7\x98", 401),
        (f"Cookie: token={TOKEN}", 401),
    ],
)
def test_only_the_token_authorizes(with_token: Address, header: str, expected: int) -> None:
    assert get_status(with_token, ACCOUNTS, HOME, header) == expected
    assert get_status(with_token, f"{ACCOUNTS}?token={TOKEN}", HOME, header) in (expected, 422)


def test_the_token_does_not_authorize_a_rebound_host(with_token: Address) -> None:
    assert get_status(with_token, ACCOUNTS, "Host: rebound.example", f"Authorization: Bearer {TOKEN}") == 403


@pytest.mark.parametrize("token", ["", "two words", "秘密", "tab\there"])
def test_a_token_that_no_header_can_contain_is_refused_at_startup(token: str) -> None:
    with pytest.raises(AssertionError, match="expected printable ASCII characters"):
        with emulator_process("--token", token):
            pass


def test_no_password_is_logged_or_hinted() -> None:
    with emulator_process("--account", f"77:shop:{SECRET}", "--log-level", "debug") as (process, address):
        for form in (
            f"action=overage&userid=77&timestamp=1&sign=1&password={SECRET}",
            f"action=overage&userid=12&account={SECRET}&timestamp=1&{SECRET}=x",
            f"action=send&userid={SECRET}&timestamp={SECRET}&sign={SECRET}&content={SECRET}",
        ):
            response = send_raw(address, build_request("/v2sms.aspx", form.encode()))
            assert response.status == 200
        detail = json.loads(send_raw(address, f"GET /_mock/requests/1 HTTP/1.1\r\n{HOME}\r\n\r\n".encode()).body)
        assert detail["diagnosis"]
        assert not any(SECRET in finding["sentence"] for finding in detail["diagnosis"])
        lines = read_log(process, 4)
        process.terminate()
        output = "".join([*lines, *wait_exit(process)])
    assert len(re.findall(r"POST /v2sms.aspx", output)) == 3
    assert SECRET not in output
    assert ascii(SECRET)[1:-1] not in output
