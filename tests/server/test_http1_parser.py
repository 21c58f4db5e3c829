"""Tests of `server.http1_parser`: the result does not depend on the pieces, incomplete bodies name their reason."""

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sms10692_mock.server.http1_head import BadRequest
from sms10692_mock.server.http1_parser import ParsedRequest, RequestParser
from sms10692_mock.server.http_types import BodyTooLarge, TruncatedBody

MEBIBYTE = 1024 * 1024
CHUNKED = b"POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


def sized(body: bytes, line_end: bytes = b"\r\n") -> bytes:
    lines = [b"POST /s HTTP/1.1", b"Content-Length: %d" % len(body), b"", b""]
    return line_end.join(lines) + body


def chunked(chunks: list[bytes]) -> bytes:
    return (
        CHUNKED
        + b"".join(b"%x;x=y\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks if chunk)
        + b"0\r\nA: b\r\n\r\n"
    )


def parse(*pieces: bytes) -> list[ParsedRequest]:
    inbox, all_of_them = RequestParser(), []
    for piece in pieces:
        inbox.feed(piece)
        while (arrived := inbox.next_request()) is not None:
            all_of_them.append(arrived)
    return all_of_them


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[begin:end] for begin, end in itertools.pairwise(ends)]


BODIES = st.binary(max_size=40) | st.sampled_from([b"\r\n\r\n", b"\n\n", b"0\r\n\r\n"])


@given(
    st.lists(
        BODIES.flatmap(
            lambda body: st.sampled_from(
                [
                    (sized(body), body),
                    (sized(body, b"\n"), body),
                    (chunked([body[:3], body[3:]]), body),
                    (b"GET / HTTP/1.0\r\n\r\n", b""),
                    (b"\r\n" + sized(body), body),
                ]
            )
        ),
        max_size=4,
    ),
    st.lists(st.integers(0, 10_000), max_size=8),
)
def test_the_parsed_requests_do_not_depend_on_the_pieces(
    messages: list[tuple[bytes, bytes]], places: list[int]
) -> None:
    raw = b"".join(message for message, _ in messages)
    assert [request.body for request in parse(*cut(raw, places))] == [body for _, body in messages]
    assert [request.body for request in parse(*cut(raw, list(range(len(raw)))))] == [body for _, body in messages]


@given(st.binary() | st.binary().map(lambda tail: CHUNKED + tail), st.lists(st.integers(0, 1000), max_size=4))
def test_any_bytes_are_requests_or_a_bad_request(raw: bytes, places: list[int]) -> None:
    with suppress(BadRequest):
        for arrived in parse(*cut(raw, places)):
            assert len(arrived.body) < len(raw)


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
        raw = chunked([body]) if is_chunked else sized(body)
        return parse(*cut(raw, list(range(0, len(raw), 65_536))), b"GET / HTTP/1.1\r\n\r\n")

    whole, after = parse_body(4 * MEBIBYTE)
    assert (len(whole.body), whole.failure, after.head.method) == (4 * MEBIBYTE, None, "GET")
    large, after = parse_body(4 * MEBIBYTE + 1)
    assert (large.body, type(large.failure), after.head.method) == (b"", BodyTooLarge, "GET")


def test_an_endless_body_is_read_up_to_sixteen_mebibytes() -> None:
    inbox = RequestParser()
    inbox.feed(b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n")
    for number in range(16):
        assert inbox.next_request() is None, number
        inbox.feed(b"x" * MEBIBYTE)
    arrived = inbox.next_request()
    assert arrived is not None
    assert isinstance(arrived.failure, BodyTooLarge)


def test_a_truncated_body_differs_from_a_missing_request() -> None:
    for raw, has_broken_off in ((sized(b"abc")[:-1], True), (sized(b"abc"), False), (CHUNKED, True), (b"GET", False)):
        inbox = RequestParser()
        inbox.feed(raw)
        while inbox.next_request():
            continue
        broken = inbox.truncated()
        assert (broken is not None) is has_broken_off
        assert broken is None or isinstance(broken.failure, TruncatedBody)


def test_expect_100_continue_is_reported_once() -> None:
    head, _, body = sized(b"abc").partition(b"\r\n\r\n")
    head += b"\r\nExpect: 100-Continue\r\n\r\n"
    inbox = RequestParser()
    inbox.feed(head)
    assert inbox.next_request() is None
    assert (inbox.take_expect_continue(), inbox.take_expect_continue()) == (True, False)
    inbox.feed(body)
    assert inbox.next_request() is not None
    inbox.feed(head.replace(b"HTTP/1.1", b"HTTP/1.0"))
    assert inbox.next_request() is None
    assert not inbox.take_expect_continue(), "that has no such answer"
    inbox.feed(body)
    assert inbox.next_request() is not None
    inbox.feed(head + body)
    assert inbox.next_request() is not None
    assert not inbox.take_expect_continue(), "it was all there"
