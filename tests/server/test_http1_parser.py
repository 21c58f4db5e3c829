"""Tests of `server.http1_parser`: requests do not depend on how bytes are split; incomplete bodies have a reason."""

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.server.bad_request import BadRequest
from sms10692_mock.server.http1_parser import ParsedRequest, RequestParser
from sms10692_mock.server.http_types import BodyTooLarge, TruncatedBody

MEBIBYTE = 1024 * 1024
CHUNKED = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


def format_sized(body: bytes, line_end: bytes = b"\r\n") -> bytes:
    lines = [b"POST /s HTTP/1.1", b"Content-Length: %d" % len(body), b"", b""]
    return line_end.join(lines) + body


def format_chunked(chunks: list[bytes]) -> bytes:
    return (
        CHUNKED
        + b"".join(b"%x;x=y\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks if chunk)
        + b"0\r\nA: b\r\n\r\n"
    )


def parse(*chunks: bytes) -> list[ParsedRequest]:
    parser, requests = RequestParser(), []
    for chunk in chunks:
        parser.feed(chunk)
        while (request := parser.next_request()) is not None:
            requests.append(request)
    return requests


def split(raw: bytes, positions: list[int]) -> list[bytes]:
    ends = [0, *sorted(position % (len(raw) + 1) for position in positions), len(raw)]
    return [raw[begin:end] for begin, end in itertools.pairwise(ends)]


BODIES = st.binary(max_size=40) | st.sampled_from([b"\r\n\r\n", b"\n\n", b"0\r\n\r\n"])


@given(
    st.lists(
        BODIES.flatmap(
            lambda body: st.sampled_from(
                [
                    (format_sized(body), body),
                    (format_sized(body, b"\n"), body),
                    (format_chunked([body[:3], body[3:]]), body),
                    (b"GET / HTTP/1.0\r\n\r\n", b""),
                    (b"\r\n" + format_sized(body), body),
                ]
            )
        ),
        max_size=4,
    ),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_the_parsed_requests_do_not_depend_on_the_chunks(
    messages: list[tuple[bytes, bytes]], positions: list[int]
) -> None:
    raw = b"".join(message for message, _ in messages)
    assert [request.body for request in parse(*split(raw, positions))] == [body for _, body in messages]
    assert [request.body for request in parse(*split(raw, list(range(len(raw)))))] == [body for _, body in messages]


@given(st.binary() | st.binary().map(lambda tail: CHUNKED + tail), st.lists(st.integers(0, 1000), max_size=4))
def test_any_bytes_are_requests_or_a_bad_request(raw: bytes, positions: list[int]) -> None:
    with suppress(BadRequest):
        for request in parse(*split(raw, positions)):
            assert len(request.body) < len(raw)


@pytest.mark.parametrize(
    "chunks",
    [
        b"\r\n",
        b"x\r\n",
        b"-1\r\n",
        b"0x1\r\n",
        b" 1\r\n",
        b"1 1\r\n",
        b"1\r\nab\r\n",
        b"3\r\na\r\nb",
        b"1" * 16 + b"\r\n",
        b"1;" + b"x" * 4096,
        b"1\r\na" + b"x" * 4097,
    ],
)
def test_invalid_chunks_are_a_bad_request(chunks: bytes) -> None:
    with pytest.raises(BadRequest) as raised:
        parse(CHUNKED + chunks + b"\r\n" * 3)
    assert raised.value.status == 400


def test_endless_trailers_are_refused() -> None:
    with pytest.raises(BadRequest) as raised:
        parse(CHUNKED + b"0\r\n", *[b"X: " + b"x" * 4000 + b"\r\n"] * 70)
    assert raised.value.status == 431


def test_an_endless_head_is_refused_when_it_is_too_long() -> None:
    line = b"GET / HTTP/1.1\r\nX: "
    assert parse(line + b"x" * (256 * 1024 - len(line))) == []
    with pytest.raises(BadRequest) as raised:
        parse(line + b"x" * (256 * 1024 - len(line)), b"x")
    assert raised.value.status == 431
    with pytest.raises(BadRequest) as raised:
        parse(line + b"x" * 256 * 1024 + b"\r\n\r\n")
    assert raised.value.status == 431


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_of_four_mebibytes_is_accepted_and_one_byte_more_is_too_large(is_chunked: bool) -> None:
    def parse_body(size: int) -> list[ParsedRequest]:
        body = b"x" * size
        raw = format_chunked([body]) if is_chunked else format_sized(body)
        return parse(*split(raw, list(range(0, len(raw), 65_536))), b"GET / HTTP/1.1\r\n\r\n")

    whole, after = parse_body(4 * MEBIBYTE)
    assert (len(whole.body), whole.failure, after.head.method) == (4 * MEBIBYTE, None, "GET")
    large, after = parse_body(4 * MEBIBYTE + 1)
    assert (large.body, type(large.failure), after.head.method) == (b"", BodyTooLarge, "GET")


def test_an_endless_body_is_read_up_to_sixteen_mebibytes() -> None:
    parser = RequestParser()
    parser.feed(b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
    for number in range(16):
        assert parser.next_request() is None, number
        parser.feed(b"x" * MEBIBYTE)
    request = parser.next_request()
    assert request is not None
    assert isinstance(request.failure, BodyTooLarge)


def test_a_truncated_body_differs_from_a_missing_request() -> None:
    cases = [(format_sized(b"abc")[:-1], True), (format_sized(b"abc"), False), (CHUNKED, True), (b"\r\n", False)]
    for raw, is_truncated in cases:
        parser = RequestParser()
        parser.feed(raw)
        while parser.next_request():
            continue
        truncated = parser.truncated()
        assert (truncated is not None) is is_truncated
        assert truncated is None or isinstance(truncated.failure, TruncatedBody)


def test_a_head_that_ends_with_the_input_is_a_bad_request() -> None:
    parser = RequestParser()
    parser.feed(b"GET")
    assert parser.next_request() is None
    with pytest.raises(BadRequest, match="3 bytes of a request came, and then the connection ended") as raised:
        parser.truncated()
    assert raised.value.cause == "head-cut"


def test_expect_100_continue_is_reported_once() -> None:
    head, _, body = format_sized(b"abc").partition(b"\r\n\r\n")
    head += b"\r\nExpect: 100-Continue\r\n\r\n"
    parser = RequestParser()
    parser.feed(head)
    assert parser.next_request() is None
    assert (parser.take_expect_continue(), parser.take_expect_continue()) == (True, False)
    parser.feed(body)
    assert parser.next_request() is not None
    parser.feed(head.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert parser.next_request() is None
    assert not parser.take_expect_continue(), "HTTP/1.0 has no interim responses"
    parser.feed(body)
    assert parser.next_request() is not None
    parser.feed(head + body)
    assert parser.next_request() is not None
    assert not parser.take_expect_continue(), "the body had arrived"
