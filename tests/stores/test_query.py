"""`preselect_requests`: the requests that it leaves out match no query, and those without the text are left out."""

from urllib.parse import quote, quote_plus

from hypothesis import example, given
from hypothesis import strategies as st

from sms10692_mock.domain.records import LoggedRequest, Query
from sms10692_mock.stores.query import matches_request, preselect_requests

_TEXTS = ("a", "A+b", "100% ", "\\x41", "\\", "内容", "é", "😀", "15023239810", "%41", "\udc80")
_ENCODED = st.sampled_from(
    [
        *(quote(text, errors="surrogatepass").encode() for text in _TEXTS),
        *(quote_plus(text, encoding="gbk", errors="replace").encode() for text in _TEXTS),
        *(text.encode("utf-8", "surrogatepass") for text in _TEXTS),
        *(b"%", b"%e5%8", b"%zz", b"\n", b"\\N", b"\xff", b"&content="),
    ]
)
_BYTES = st.lists(_ENCODED, max_size=4).map(b"".join)


def build_entry(number: int, query: bytes, body: bytes, response_body: bytes) -> LoggedRequest:
    return LoggedRequest(
        number, 0.0, 0.0, 0.0, "POST", "/", query, [], body, "1", "", "", None, 200, "text/xml", response_body
    )


@given(
    st.lists(st.tuples(_BYTES, _BYTES, _BYTES), max_size=5),
    st.lists(st.sampled_from(_TEXTS), min_size=1, max_size=2).map("".join),
    st.sampled_from((None, "15023239810")),
    st.sampled_from((None, 100001)),
)
@example([(b"", b"content=%E5%86%85%E5%AE%B9", b"")], "内容", None, None)
@example([(b"", b"content=%C4%DA%C8%DD", b"")], "内容", None, None)
@example([(b"taskid=100001&mobile=15023239810", b"%", b"")], "%", "15023239810", 100001)
def test_every_request_that_matches_is_kept(
    parts: list[tuple[bytes, bytes, bytes]], text: str, number: str | None, task_id: int | None
) -> None:
    entries = [build_entry(index, *part) for index, part in enumerate(parts)]
    query = Query(text=text, number=number, task_id=task_id)
    kept = [entry for entry in preselect_requests(iter(entries), query) if matches_request(entry, query)]
    assert kept == [entry for entry in entries if matches_request(entry, query)]


def test_requests_without_the_text_are_left_out() -> None:
    entries = [build_entry(number, b"", b"content=%E7%94%B2", b"<message>ok</message>") for number in range(1000)]
    entries[500] = build_entry(500, b"", b"content=%E5%86%85%E5%AE%B9", b"")
    assert not list(preselect_requests(iter(entries), Query(text="乙")))
    assert not list(preselect_requests(iter(entries), Query(number="15023239810")))
    kept = [entry.number for entry in preselect_requests(iter(entries), Query(text="内容"))]
    assert 500 in kept
    assert len(kept) < 1000


def test_a_query_without_text_and_numbers_keeps_all_requests() -> None:
    entries = [build_entry(number, b"", b"", b"") for number in range(3)]
    assert list(preselect_requests(iter(entries), Query(since=5.0))) == entries
