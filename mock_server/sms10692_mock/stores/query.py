"""Filters and pagination of lists: whether an entry matches a `Query`.

Stores use these functions for conditions that they cannot evaluate with an index.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Final, Protocol, TypeVar
from urllib.parse import unquote_to_bytes

from sms10692_mock.domain.records import (
    InboundReply,
    LoggedRequest,
    Page,
    Query,
    QueueItem,
    SentMessage,
    StatusReport,
    Task,
)


class HasNumber(Protocol):
    """An entry of a list. `number` increases along the list; the next page starts after the last number."""

    @property
    def number(self) -> int: ...


Entry = TypeVar("Entry", bound=HasNumber)


def paginate(
    entries: Iterable[Entry], query: Query, matches: Callable[[Entry, Query], bool], dropped: int
) -> Page[Entry]:
    """One page of the entries that match. `entries` must be in the order of the query."""
    after, newest_first = query.after, query.newest_first
    matching = (
        entry
        for entry in entries
        if (after is None or (entry.number < after if newest_first else entry.number > after)) and matches(entry, query)
    )
    page = list(islice(matching, query.limit + 1))
    return Page(page[: query.limit], len(page) > query.limit, dropped)


def paginate_requests(entries: Iterable[LoggedRequest], query: Query, dropped: int) -> Page[LoggedRequest]:
    """One page of the logged requests that match. `entries` must be in the order of the query."""
    return paginate(preselect_requests(entries, query), query, matches_request, dropped)


def matches_task(task: Task, query: Query) -> bool:
    """Whether a message of this task can match the query."""
    return (
        (query.task_id is None or task.task_id == query.task_id)
        and (query.text is None or query.text in task.content)
        and _is_in_period(task.sent_at, query)
    )


def matches_message(message: SentMessage, query: Query) -> bool:
    """Whether a message matches the query."""
    return (
        (query.number is None or message.mobile == query.number)
        and (query.state is None or message.delivery_state.state == query.state)
        and matches_task(message.task, query)
    )


def matches_report(entry: QueueItem[StatusReport], query: Query) -> bool:
    """Whether a report matches the query. Its text is its errorcode."""
    return _matches_item(entry, entry.item.errorcode, query)


def matches_reply(entry: QueueItem[InboundReply], query: Query) -> bool:
    """Whether a reply matches the query."""
    return _matches_item(entry, entry.item.content, query)


def _matches_item(entry: QueueItem[StatusReport] | QueueItem[InboundReply], text: str, query: Query) -> bool:
    item = entry.item
    return (
        (query.number is None or item.mobile == query.number)
        and (query.task_id is None or item.task_id == query.task_id)
        and (query.text is None or query.text in text)
        and (query.state is None or entry.delivery_state.state == query.state)
        and _is_in_period(item.due, query)
    )


def matches_request(entry: LoggedRequest, query: Query) -> bool:
    """Whether a logged request matches the query: its request or response contains the text and the numbers.

    Both are searched as raw bytes, and the request also percent-decoded, in UTF-8 and in GBK.
    """
    if not _is_in_period(entry.account_time, query):
        return False
    numbers = [str(number) for number in (query.number, query.task_id) if number is not None]
    if query.text is None and not numbers:
        return True
    request = b"\n".join((entry.query, entry.body))
    texts = [b"\n".join((request, entry.response_body))]
    if b"%" in request or b"+" in request:
        texts.append(unquote_to_bytes(request.replace(b"+", b" ")))
    return all(_contains_number(texts, number) for number in numbers) and (
        query.text is None or _contains_text(texts, query.text)
    )


_BATCH_SIZE: Final = 200
"""Requests that are searched as one text."""


def preselect_requests(entries: Iterable[LoggedRequest], query: Query) -> Iterator[LoggedRequest]:
    """Yield all requests of each batch in which the text and the numbers of a query occur anywhere.

    Searching the joined bytes of many requests takes a tenth of the time of searching each of them.
    """
    needles = [_encode_each(text) for text in (query.text, query.number, query.task_id) if text is not None]
    if not needles:
        yield from entries
        return
    remaining = iter(entries)
    while batch := list(islice(remaining, _BATCH_SIZE)):
        requests = b"\n".join([part for entry in batch for part in (entry.query, entry.body)])
        texts = requests, b"\n".join([entry.response_body for entry in batch]), _decode_form(requests)
        if all(any(needle in text for needle in encoded for text in texts) for encoded in needles):
            yield from batch


def _encode_each(value: str | int) -> list[bytes]:
    """Encode a text in each charset that has all of its characters."""
    encoded = []
    for charset in _CHARSETS:
        with suppress(UnicodeEncodeError):
            encoded.append(str(value).encode(charset))
    return encoded


def _decode_form(raw: bytes) -> bytes:
    """Decode plus signs and escapes like `unquote_to_bytes`, ten times faster if all escapes are correct.

    >>> _decode_form(b"100%25+%E5%86%85").decode()
    '100% 内'
    """
    spaced = raw.replace(b"+", b" ")
    try:
        # This codec decodes \xHH as Latin-1, that is, to one character per byte.
        return spaced.replace(b"\\", rb"\\").replace(b"%", rb"\x").decode("unicode_escape").encode("latin-1")
    except UnicodeDecodeError:  # a broken escape
        return unquote_to_bytes(spaced)


def _contains_number(texts: Sequence[bytes], number: str) -> bool:
    """Whether a number occurs as a whole, and not only as a part of a longer one."""
    needle = number.encode("utf-8", "replace")
    whole = rb"(?<![0-9])%s(?![0-9])" % re.escape(needle)
    return any(needle in haystack and re.search(whole, haystack) is not None for haystack in texts)


def _contains_text(texts: Sequence[bytes], text: str) -> bool:
    for charset in _CHARSETS:
        try:
            needle = text.encode(charset)
        except UnicodeEncodeError:
            continue
        # In GBK, the bytes of a text can also match from the middle of a character on.
        if any(
            needle in haystack and (charset != "gbk" or text in haystack.decode(charset, "replace"))
            for haystack in texts
        ):
            return True
    return False


_CHARSETS: Final = ("utf-8", "gbk")


def _is_in_period(time: float, query: Query) -> bool:
    return (query.since is None or time >= query.since) and (query.until is None or time <= query.until)
