"""`http.heads`: what the head of a request says, which are none, and the head of a response."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.server.http1_head import BadRequest, RequestHead, format_head, parse_head


def head(*lines: str, first: str = "POST /v2sms.aspx HTTP/1.1") -> RequestHead:
    return parse_head("".join(f"{line}\r\n" for line in (first, *lines)).encode("latin-1"))


def refused(*lines: str, first: str = "POST /v2sms.aspx HTTP/1.1") -> int:
    with pytest.raises(BadRequest) as raised:
        head(*lines, first=first)
    return raised.value.status


def test_headers_are_as_they_came_and_are_found_in_any_case() -> None:
    read = head("HOST: x", "X-Empty:", "X-Wide: \t a b ")
    assert read.headers[:2] == [("HOST", "x"), ("X-Empty", "")]
    assert read.headers_lower["host"] == "x"
    assert read.headers_lower["x-wide"] == "a b"


def test_of_two_headers_of_a_name_the_first_holds() -> None:
    read = head("Content-Type: a/b", "content-type: c/d")
    assert read.headers_lower["content-type"] == "a/b"
    assert len(read.headers) == 2


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
def test_a_target_is_a_path_and_a_query(target: str, path: str, query: bytes) -> None:
    read = head(first=f"GET {target} HTTP/1.1")
    assert (read.path, read.query) == (path, query)


@pytest.mark.parametrize(
    ("first", "lines", "persists"),
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
def test_whether_the_connection_is_kept(first: str, lines: list[str], persists: bool) -> None:
    assert head(*lines, first=first).keep_alive is persists
    assert head(*lines, first=first).is_http10 is first.endswith("0")


@pytest.mark.parametrize(
    ("lines", "length"),
    [
        ([], 0),
        (["Content-Length: 0"], 0),
        (["content-length: 007 "], 7),
        (["Transfer-Encoding: Chunked "], None),
    ],
)
def test_how_long_the_body_is(lines: list[str], length: int | None) -> None:
    assert head(*lines).length == length


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
def test_what_cannot_be_trusted_is_refused(lines: list[str], status: int) -> None:
    assert refused(*[line.encode("utf-8").decode("latin-1") for line in lines]) == status


@pytest.mark.parametrize(
    ("first", "status"),
    [
        *((first, 400) for first in ("", "GET", "GET /", "GET / HTTP/2.0", "GET / HTTP/1.2", "GET  / HTTP/1.1")),
        *((first, 400) for first in ("GET v2sms.aspx HTTP/1.1", "GET ftp://x/ HTTP/1.1", "GET /a b HTTP/1.1")),
        *((f"GET /{one} HTTP/1.1", 400) for one in ("\t", "\0", "\x7f", "\r", "\x1f")),
        ("G(T / HTTP/1.1", 400),
        (f"GET /{'x' * 65_534} HTTP/1.1", 414),
    ],
)
def test_what_does_not_begin_as_http_does_is_refused(first: str, status: int) -> None:
    assert refused(first=first) == status


def test_as_much_as_the_readme_says_is_read() -> None:
    assert len(head(*["a: b"] * 100, first=f"GET /{'x' * 65_533} HTTP/1.1").headers) == 100


@given(st.binary() | st.text(st.sampled_from("GET /:a\r\n\tHTP1.0 "), max_size=60).map(str.encode))
def test_any_bytes_are_a_head_or_are_refused(raw: bytes) -> None:
    with suppress(BadRequest):
        read = parse_head(raw)
        assert raw.startswith(read.method.encode())


def test_the_head_of_a_response_has_a_date() -> None:
    assert format_head(200, [("Content-Type", "text/xml")], 784_111_777) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n"
    )
    assert format_head(299, [], 0).startswith(b"HTTP/1.1 299 Unknown\r\n")
