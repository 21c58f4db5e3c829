"""Tests of `server.http1_head`: parsing of request heads, refused heads, the head of a response."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.http1_head import RequestHead, format_head, parse_head


def parse_lines(*lines: str, request_line: str = "POST /v2sms.aspx HTTP/1.1") -> RequestHead:
    return parse_head("".join(f"{line}\r\n" for line in (request_line, *lines)).encode("latin-1"))


def get_error_status(*lines: str, request_line: str = "POST /v2sms.aspx HTTP/1.1") -> int:
    with pytest.raises(BadRequest) as raised:
        parse_lines(*lines, request_line=request_line)
    return raised.value.status


def test_headers_are_kept_as_received_and_found_in_lower_case() -> None:
    head = parse_lines("HOST: x", "X-Empty:", "X-Wide: \t a b ")
    assert head.headers[:2] == [("HOST", "x"), ("X-Empty", "")]
    assert head.headers_lower["host"] == "x"
    assert head.headers_lower["x-wide"] == "a b"


def test_the_first_of_two_headers_with_a_name_counts() -> None:
    head = parse_lines("Content-Type: a/b", "content-type: c/d")
    assert head.headers_lower["content-type"] == "a/b"
    assert len(head.headers) == 2


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/v2sms.aspx?a=b?c#d", "/v2sms.aspx", b"a=b?c#d"),
        ("/v2sms%2Easpx", "/v2sms.aspx", b""),
        ("/%E5%86%85", "/内", b""),
        ("/\xe5\x86\x85?\xc4\xda", "/内", b"\xc4\xda"),
        ("/%C4%DA", "/\\xc4\\xda", b""),
        ("//v2sms.aspx/x", "//v2sms.aspx/x", b""),
        ("http://host:1/v2sms.aspx?a", "/v2sms.aspx", b"a"),
        ("HTTP://host", "/", b""),
        ("http://host?a", "/", b"a"),
        ("*", "*", b""),
    ],
)
def test_a_target_is_split_into_path_and_query(target: str, path: str, query: bytes) -> None:
    head = parse_lines(request_line=f"GET {target} HTTP/1.1")
    assert (head.path, head.query) == (path, query)


@pytest.mark.parametrize(
    ("request_line", "lines", "keep_alive"),
    [
        ("GET / HTTP/1.1", [], True),
        ("GET / HTTP/1.1", ["Connection: Close"], False),
        ("GET / HTTP/1.1", ["Connection: x, close"], False),
        ("GET / HTTP/1.1", ["Connection: TE", "connection: close "], False),
        ("GET / HTTP/1.0", ["Connection: keep-alive, close"], False),
        ("POST / HTTP/1.0", ["Connection: keep-alive", "Transfer-Encoding: chunked"], False),
        ("GET / HTTP/1.1", ["Connection: keep-alive"], True),
        ("GET / HTTP/1.0", [], False),
        ("GET / HTTP/1.0", ["Connection: Keep-Alive"], True),
        ("GET / HTTP/1.0", ["Connection: x"], False),
    ],
)
def test_the_connection_is_kept_alive_as_version_and_header_say(
    request_line: str, lines: list[str], keep_alive: bool
) -> None:
    assert parse_lines(*lines, request_line=request_line).keep_alive is keep_alive
    assert parse_lines(*lines, request_line=request_line).is_http10 is request_line.endswith("0")


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        ([], 0),
        (["Content-Length: 0"], 0),
        (["content-length: 007 "], 7),
        (["Transfer-Encoding: Chunked "], None),
    ],
)
def test_the_headers_define_the_length_of_the_body(lines: list[str], length: int | None) -> None:
    assert parse_lines(*lines).length == length


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (["Content-Length: 3", "Content-Length: 3"], 400),
        (["Content-Length: 3", "content-length: 4"], 400),
        (["Content-Length: 3", "Transfer-Encoding: chunked"], 400),
        (["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"], 400),
        *(([f"Content-Length: {number}"], 400) for number in ("", "+3", "-3", "3,3", "0x3", "３", "3 3", "9" * 19)),
        (["Transfer-Encoding: gzip"], 501),
        (["Transfer-Encoding: gzip, chunked"], 501),
        (["no colon"], 400),
        (["a b: c"], 400),
        ([": c"], 400),
        (["a : c"], 400),
        (["a: b", " folded"], 400),
        (["a: \0"], 400),
        (["a: \x0b"], 400),
        (["a: \x7f"], 400),
        (["a: b\rc: d"], 400),
        (["\xe9: b"], 400),
        (["a: b"] * 101, 431),
    ],
)
def test_ambiguous_or_invalid_headers_are_refused(lines: list[str], status: int) -> None:
    assert get_error_status(*[line.encode("utf-8").decode("latin-1") for line in lines]) == status


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        *(
            (request_line, 400)
            for request_line in ("", "GET", "GET /", "GET / HTTP/2.0", "GET / HTTP/1.2", "GET  / HTTP/1.1")
        ),
        *(
            (request_line, 400)
            for request_line in ("GET v2sms.aspx HTTP/1.1", "GET ftp://x/ HTTP/1.1", "GET /a b HTTP/1.1")
        ),
        *((f"GET /{character} HTTP/1.1", 400) for character in ("\t", "\0", "\x7f", "\r", "\x1f")),
        ("G(T / HTTP/1.1", 400),
        (f"GET /{'x' * 65_534} HTTP/1.1", 414),
    ],
)
def test_an_invalid_request_line_is_refused(request_line: str, status: int) -> None:
    assert get_error_status(request_line=request_line) == status


def test_a_head_within_the_documented_limits_is_accepted() -> None:
    assert len(parse_lines(*["a: b"] * 100, request_line=f"GET /{'x' * 65_533} HTTP/1.1").headers) == 100


@given(st.binary() | st.text(st.sampled_from("GET /:a\r\n\tHTP1.0 "), max_size=60).map(str.encode))
def test_any_bytes_are_a_head_or_a_bad_request(raw: bytes) -> None:
    with suppress(BadRequest):
        head = parse_head(raw)
        assert raw.startswith(head.method.encode())


def test_the_head_of_a_response_has_a_date() -> None:
    assert format_head(200, [("Content-Type", "text/xml")], 784_111_777) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
    )
    assert format_head(299, [], 0).startswith(b"HTTP/1.1 299 Unknown\r\n")
